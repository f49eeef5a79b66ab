import assert from "node:assert/strict";
import { test } from "node:test";
import { compared, rowInWords, spreadOfNan } from "../../../course/ninelives/widgets/mask_lab/in_words.js";
import { cases } from "../cases.js";

test("the learner's mask is compared in the words of Python", () => {
  for (const { state, says } of cases("mask_lab")) {
    assert.equal(compared(state), says.compared);
    assert.equal(spreadOfNan(state), says.nan);
  }
});

test("a row names the words and counts the padding, in their order", () => {
  const [{ state }] = cases("mask_lab");
  const after = { ...state, causal: true, prefix: [["le", "chat"], ["il"], ["le", "chien"]], prefix_lengths: [2, 1, 2], scores: Array(8).fill([]) };
  assert.equal(rowInWords(after, 1, 2), "may attend to il, it; not to pad, slept, 4 pads.");
  assert.equal(rowInWords(state, 1, 0), "may attend to it, slept; not to 4 pads.");
  assert.equal(rowInWords(state, 2, 0), "may attend to the₁, dog, ate, the₂, whole, fish, which is everything.");
  assert.equal(rowInWords({ ...state, rows_too: true }, 1, 3), "may attend to nothing, so its softmax is 0 ÷ 0, NaN.");
});

test("an answer for other lengths is said to be one", () => {
  const [{ state }] = cases("mask_lab");
  assert.equal(compared({ ...state, lengths: [1, 1, 1] }), "Your get_attention_mask was called in the notebook alone, with the lengths 4, 2, 6.");
  assert.equal(compared({ ...state, yours: {} }), "");
});
