import assert from "node:assert/strict";
import { test } from "node:test";
import { byScore, probabilities, wordAt } from "../../../course/ninelives/widgets/js/sampling.js";
import { scoreMemory } from "../../../course/ninelives/widgets/temperature_lab/scores.js";
import { settingsOf, uncertainty } from "../../../course/ninelives/widgets/temperature_lab/state.js";
import { cases } from "../cases.js";

test("the probabilities are those of Python", () => {
  for (const { state, says } of cases("temperature_lab")) {
    const found = probabilities(scoreMemory(state.vocabulary.length)(state), settingsOf(state)), wanted = says.probabilities;
    found.forEach((p, word) => { assert.ok(Math.abs(p - wanted[word]) < 5.1e-5, `${p} is not ${wanted[word]}`); });
    assert.ok(Math.abs(found.reduce((a, b) => a + b) - 1) < 1e-12);
  }
});

test("equal scores are in the order of their ids", () => {
  assert.deepEqual(byScore(Float64Array.of(1, 3, 1, 3)), [1, 3, 0, 2]);
});

test("top-k keeps words that tie, and top-p the first of them", () => {
  const logits = Float64Array.of(0, 0, 0, -Infinity), order = byScore(logits);
  assert.deepEqual([...probabilities({ logits, order }, { temperature: 1, topK: 1, topP: 1 })], [1 / 3, 1 / 3, 1 / 3, 0]);
  assert.deepEqual([...probabilities({ logits, order }, { temperature: 1, topK: 4, topP: 0.5 })], [0.5, 0.5, 0, 0]);
});

test("a random number draws words in proportion to their probabilities, and none that has none", () => {
  const chances = Float64Array.of(0, 0.25, 0.75), order = [2, 0, 1];
  assert.deepEqual([0, 0.74, 0.76, 0.9999].map(u => wordAt(chances, order, u)), [2, 2, 1, 1]);
  assert.equal(wordAt(Float64Array.of(0.5, 0.4999, 0), [0, 1, 2], 0.99999), 1); // rounding leaves a rest
});

test("one certain word has no entropy, and equal ones the logarithm of their number", () => {
  assert.deepEqual(uncertainty(Float64Array.of(0, 1, 0)), { entropy: 0, kept: 1 });
  assert.deepEqual(uncertainty(Float64Array.of(0.5, 0.5)), { entropy: Math.log(2), kept: 2 });
});
