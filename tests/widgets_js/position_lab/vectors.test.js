import assert from "node:assert/strict";
import { test } from "node:test";
import { positionUnder } from "../../../course/ninelives/widgets/position_lab/dragging.js";
import { bag, reading } from "../../../course/ninelives/widgets/position_lab/in_words.js";
import { moved, newPositions, stripsOf, vectorsOf } from "../../../course/ninelives/widgets/position_lab/vectors.js";
import { cases } from "../cases.js";

test("every state is said in the words of Python", () => {
  for (const { state, says } of cases("position_lab")) {
    assert.equal(reading(state, vectorsOf(state)), says.reading);
    assert.equal(bag(state, vectorsOf(state)), says.bag);
  }
});

test("new vectors are found where Python finds them", () => {
  assert.deepEqual(cases("position_lab").map(({ state }) => newPositions(state, vectorsOf(state))), cases("position_lab").map(({ says }) => says.new));
});

test("the strips that count are those of Python's picture", () => {
  for (const { state, says } of cases("position_lab")) {
    const strips = stripsOf(state, vectorsOf(state)).filter(({ isOff }) => !isOff);
    assert.deepEqual(strips.map(({ title, values }) => [title, ...Array.from(values, x => x.toFixed(3))]), says.strips);
  }
});

test("a word is moved and the others keep their order", () => {
  assert.deepEqual(moved([0, 1, 2, 3], 0, 2), [1, 2, 0, 3]);
  assert.deepEqual(moved([0, 1, 2, 3], 3, 0), [3, 0, 1, 2]);
  assert.deepEqual(moved([2, 0, 1], 0, 1), [2, 0, 1]);
});

test("a point is after the tiles of earlier lines and after those to its left", () => {
  const tile = (/** @type {number} */ offsetLeft, /** @type {number} */ offsetTop) => ({ offsetLeft, offsetTop, offsetWidth: 80, offsetHeight: 50 });
  const tiles = [tile(0, 0), tile(90, 0), tile(0, 60), tile(90, 60)];
  assert.deepEqual([[10, 20], [60, 20], [400, 20], [10, 80], [100, 80], [400, 80]].map(([x, y]) => positionUnder(x, y, tiles)), [0, 1, 2, 2, 3, 4]);
});
