import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, hasEnded, isStale, scoreMemory } from "../../../course/ninelives/widgets/temperature_lab/scores.js";

/** @param {...number} numbers */
const ofNumbers = (...numbers) => btoa(String.fromCharCode(...new Uint8Array(Float32Array.from(numbers).buffer)));
const state = {
  vocabulary: ["a", "b"], prompt: ["a"], colours: {}, end_token: null, temperature: 1, top_k: null, top_p: null,
  drawn: [], chances: [], scores: { after: [], numbers: ofNumbers(1, 2) }, yours: {},
};

test("until the scores of a new text arrive, the last ones stay, and are said to be of another text", () => {
  const scoresFor = scoreMemory(2), drawn = { ...state, drawn: [1] };
  assert.deepEqual(scoresFor(state), { after: "", logits: Float64Array.of(1, 2), order: [1, 0] });
  assert.equal(scoresFor(drawn).after, "");
  assert.ok(isStale(drawn, scoresFor(drawn)));
  const answered = { ...drawn, scores: { after: [1], numbers: ofNumbers(4, 3) } };
  assert.deepEqual(scoresFor(answered), { after: "1", logits: Float64Array.of(4, 3), order: [0, 1] });
  assert.ok(!isStale(answered, scoresFor(answered)));
});

test("stepping back needs no new scores", () => {
  const scoresFor = scoreMemory(2), scores = { after: [1], numbers: ofNumbers(4, 3) };
  scoresFor(state);
  scoresFor({ ...state, drawn: [1], scores });
  assert.deepEqual([...scoresFor({ ...state, scores }).logits], [1, 2]);
});

test("before any scores have arrived all are 0", () => {
  const scores = scoreMemory(2)({ ...state, scores: { after: [], error: "no" } });
  assert.deepEqual(scores, { after: null, logits: Float64Array.of(0, 0), order: [0, 1] });
});

test("a failure counts for its own text only", () => {
  const failed = { ...state, scores: { after: [1], error: "RuntimeError: no" } };
  assert.equal(failure(failed), "");
  assert.equal(failure({ ...failed, drawn: [1] }), "RuntimeError: no");
});

test("a text has ended when its end token is drawn", () => {
  assert.ok(!hasEnded({ ...state, drawn: [0] }));
  assert.ok(hasEnded({ ...state, drawn: [0], end_token: 0 }));
  assert.ok(!hasEnded({ ...state, drawn: [1], end_token: 0 }));
});
