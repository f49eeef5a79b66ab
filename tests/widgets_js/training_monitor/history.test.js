import assert from "node:assert/strict";
import { test } from "node:test";
import { curvesBelow, entryOf, lastStep, nearest, pointsOf, shownNames, stepsOf, ticks } from "../../../course/ninelives/widgets/training_monitor/history.js";
import { duration, numbers, progress, short } from "../../../course/ninelives/widgets/training_monitor/in_words.js";

/** @type {import("../../../course/ninelives/widgets/training_monitor/history.js").State} */
const state = {
  name: "words", max_iters: 2000, measures: ["accuracy"], measure: "accuracy", hidden: [], cursor: null, levels: {},
  entries: [{ step: 400, loss: 2, rate: 0.001, accuracy: 0.1 }, { step: 800, loss: null, rate: 0.0005, accuracy: 0.25 }],
  beside: { characters: [{ step: 500, loss: 1.5, accuracy: 0.3 }, { step: 2500, loss: 1, accuracy: 0.5 }] },
  step: 800, seconds: 40, state: "running", can_stop: true, stop_asked: false,
  colours: { lines: [], accent: "", link: "", "link-dark": "" },
};

test("without a cursor, earlier trainings are read where this one is", () => {
  assert.equal(entryOf(state, "words")?.step, 800);
  assert.equal(entryOf(state, "characters")?.step, 500);
  assert.equal(entryOf({ ...state, entries: [] }, "characters")?.step, 2500);
});

test("a cursor reads the last entry that is not after it", () => {
  assert.equal(entryOf({ ...state, cursor: 799 }, "words")?.step, 400);
  assert.equal(entryOf({ ...state, cursor: 399 }, "words"), undefined);
});

test("hidden trainings have no steps and do not stretch the axis", () => {
  assert.deepEqual([shownNames(state), stepsOf(state), lastStep(state)], [["words", "characters"], [400, 500, 800, 2500], 2500]);
  const without = { ...state, hidden: ["characters"] };
  assert.deepEqual([shownNames(without), stepsOf(without), lastStep(without)], [["words"], [400, 800], 2000]);
});

test("an entry without a number is no point of the curve", () => {
  assert.deepEqual(pointsOf(state, "words", "loss"), [[400, 2]]);
});

test("a pointer finds the nearest step", () => {
  assert.equal(nearest([400, 500, 800], 651), 800);
  assert.equal(nearest([400, 500, 800], 0), 400);
});

test("a curve hides those that run where it does, as far as both go", () => {
  /** @type {[number, number][]} */
  const flat = [[100, 5], [200, 5], [300, 5]];
  assert.equal(curvesBelow(flat, [flat, [[100, 5], [200, 4]], flat.slice(0, 2), []]), 2);
  assert.equal(curvesBelow(flat.slice(0, 1), [flat]), 1);
  assert.equal(curvesBelow([], [flat]), 0);
});

test("an axis has two to six round numbers", () => {
  assert.deepEqual([ticks(1), ticks(3.15), ticks(2000)], [[0, 0.5, 1], [0, 1, 2, 3], [0, 500, 1000, 1500, 2000]]);
  for (const top of [0.0007, 0.013, 1.1, 9.99, 47, 360]) assert.ok(ticks(top).length >= 2 && ticks(top).length <= 6);
});

test("numbers are read at the step of this training, others with their own", () => {
  assert.equal(numbers(state), "Step 800. words: accuracy 0.25, rate 5.0e−4; characters, step 500: loss 1.5, accuracy 0.3.");
  assert.equal(numbers({ ...state, entries: [], beside: {} }), "Nothing yet: the first numbers come with the first evaluation.");
});

test("progress says how much time is left, and that it stops", () => {
  assert.equal(progress(state), "step 800 of 2,000 · 40 s so far, 1 min 0 s left");
  assert.equal(progress({ ...state, step: 0 }), "step 0 of 2,000 · 40 s so far");
  assert.equal(progress({ ...state, stop_asked: true }), "step 800 of 2,000, stopping …");
  assert.equal(progress({ ...state, state: "stopped" }), "stopped at step 800 of 2,000. Run the cell again to go on.");
  assert.equal(progress({ ...state, state: "waiting" }), "making ready, 2,000 steps");
  assert.equal(progress({ ...state, state: "finished", step: 2000 }), "finished, 2,000 steps in 40 s");
});

test("times and numbers are short", () => {
  assert.deepEqual([59.4, 185, 7800].map(duration), ["59 s", "3 min 5 s", "2 h 10 min"]);
  assert.deepEqual([0, 0.00033, 0.25, 1234.5].map(short), ["0", "3.3e−4", "0.25", "1230"]);
});
