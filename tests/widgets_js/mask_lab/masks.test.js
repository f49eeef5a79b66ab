import assert from "node:assert/strict";
import { test } from "node:test";
import { differs, labelAt, mayAttend, openTo, sizes, softmax } from "../../../course/ninelives/widgets/mask_lab/masks.js";
import { cases } from "../cases.js";

const state = {
  words: [["a", "b", "c"], ["d"]], prefix: [["p"], ["q", "r"]], scores: Array(5).fill([0, 0, 0, 0, 0]), colours: {},
  lengths: [2, 1], prefix_lengths: [1, 2], causal: true, rows_too: false, sentence: 0, token: 0, yours: {},
};

test("the masks are those of Python", () => {
  for (const { state, says } of cases("mask_lab")) {
    const { B, N } = sizes(state), positions = [...Array(N).keys()];
    const masks = [...Array(B).keys()].map(b => positions.map(i => positions.map(j => +mayAttend(state, b, i, j))));
    assert.deepEqual(masks, says.masks);
  }
});

test("padding is before the prefix and after the sentence", () => {
  assert.deepEqual([0, 1, 2, 3, 4].map(i => labelAt(state, 0, i)), ["pad", "p", "a", "b", "pad"]);
  assert.deepEqual([0, 1, 2, 3, 4].map(i => labelAt(state, 1, i)), ["q", "r", "d", "pad", "pad"]);
});

test("a row of padding is empty only when it is closed", () => {
  assert.deepEqual(openTo(state, 0, 4), [1, 2, 3]);
  assert.deepEqual(openTo({ ...state, rows_too: true }, 0, 4), []);
});

test("the softmax over some columns gives the others nothing, and over none NaN", () => {
  assert.deepEqual(softmax([1, 5, 1], [0, 2]), [0.5, 0, 0.5]);
  assert.deepEqual(softmax([1, 2], []), [NaN, NaN]);
});

test("a learner's mask differs nowhere while it is that of other lengths", () => {
  const yours = { lengths: [2, 1], masks: ["000000000", "000000000"] };
  assert.equal(differs({ ...state, yours }, 0, 2, 2), true);
  assert.equal(differs({ ...state, yours }, 0, 2, 1), false); // in the prefix the learner has no say
  assert.equal(differs({ ...state, yours: { ...yours, lengths: [3, 1] } }, 0, 2, 2), false);
  assert.equal(differs({ ...state, yours }, 0, 4, 2), true);
  assert.equal(differs({ ...state, yours, rows_too: true }, 0, 4, 2), false); // a row of padding that the lab has closed
});
