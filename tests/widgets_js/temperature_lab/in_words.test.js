import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compared, lastDraw, likeliest, notice, reading, triesInWords,
} from "../../../course/ninelives/widgets/temperature_lab/in_words.js";
import { chancesOf, scoreMemory } from "../../../course/ninelives/widgets/temperature_lab/scores.js";
import { cases } from "../cases.js";

const page = { isWaiting: false, isLate: false, cannotRead: "" }, alone = { ...page, cannotRead: "No weights." };

test("the browser says of the draw and of the learner's function what Python says", () => {
  for (const { state, says } of cases("temperature_lab")) {
    const scores = scoreMemory(state.vocabulary.length)(state);
    assert.equal(reading(chancesOf(state, scores)), says.reading);
    assert.equal(compared(state, scores, false), says.compared);
  }
});

test("a large perplexity has commas", () => {
  const V = 20_851, reads = reading(new Float64Array(V).fill(1 / V));
  assert.equal(reads, "Entropy 9.95 nats, perplexity 20,851.0: as undecided as among 20,851.0 equally likely words.");
});

test("an answer for another temperature is waited for, and on a page without Python said to be one", () => {
  const [{ state }] = cases("temperature_lab"), scores = scoreMemory(state.vocabulary.length)(state);
  assert.equal(compared({ ...state, temperature: 2 }, scores, false), null);
  assert.equal(compared({ ...state, temperature: 2 }, scores, true),
    "Your next_token_probabilities was called in the notebook alone, at temperature 1.00 after the first text.");
  assert.equal(compared({ ...state, yours: {} }, scores, false), "");
});

test("the last word is named, with its probability where that is known", () => {
  const [{ state }] = cases("temperature_lab"), word = state.vocabulary[3];
  assert.equal(lastDraw({ ...state, drawn: [] }), "");
  const drawn = [1, 3];
  assert.equal(lastDraw({ ...state, drawn, chances: [0.5] }), `The last word is “${word}”.`);
  assert.equal(lastDraw({ ...state, drawn, chances: [0.5, 0.25] }), `Drawn: “${word}”, which had the probability 0.25.`);
  assert.equal(lastDraw({ ...state, drawn, chances: [0.5, 0.004] }), `Drawn: “${word}”, which had a probability below 0.01.`);
});

test("a failure comes before the end of the text, and the end before waiting", () => {
  const [{ state }] = cases("temperature_lab"), ended = { ...state, drawn: [11, 0], end_token: 0 };
  const late = { ...page, isWaiting: true, isLate: true };
  assert.equal(notice(state, page), "");
  assert.equal(notice(state, { ...late, isLate: false }), "");
  assert.equal(notice(state, late), "Waiting for Python to read the new word. If this stays, run the cell again.");
  assert.equal(notice(ended, late), "The text has ended: nothing follows the end token. Step back or start again.");
  const failed = { ...ended, scores: { after: [11, 0], error: "no" } };
  assert.equal(notice(failed, late), "After this text the model cannot go on: no");
  assert.match(notice(state, alone), /^No weights. The bars move, and one word can be drawn/);
  assert.match(notice(state, { ...late, cannotRead: alone.cannotRead }), /the bars are still those of the text before it/);
});

test("the words that the tries drew most often are named", () => {
  assert.equal(triesInWords(["a", "b", "c", "d"], new Map([[0, 1], [3, 5], [2, 2], [1, 2]])), "Of 10 tries: d 5, c 2, b 2.");
  assert.equal(triesInWords(["a"], new Map()), "");
});

test("of the three likeliest words only those that can be drawn are named", () => {
  const [{ state }] = cases("temperature_lab"), [a, b] = state.vocabulary;
  const scores = { after: "", logits: Float64Array.of(2, 1, 0), order: [0, 1, 2] };
  assert.equal(likeliest(state, scores, Float64Array.of(0.75, 0.25, 0)), `${a} 0.75, ${b} 0.25`);
});
