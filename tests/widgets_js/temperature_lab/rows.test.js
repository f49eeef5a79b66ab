import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsOf } from "../../../course/ninelives/widgets/temperature_lab/rows.js";
import { topKSteps } from "../../../course/ninelives/widgets/temperature_lab/sliders.js";

const words = (/** @type {number} */ n) => Array.from({ length: n }, (_, k) => `w${k}`);
const even = (/** @type {number} */ n) => new Float64Array(n).fill(1 / n);

test("up to fifteen words have a row each, in the given order", () => {
  const rows = rowsOf(["a", "b"], [1, 0], Float64Array.of(0, 1), Float64Array.of(0.25, 0.75), new Map([[1, 10]]), null);
  assert.deepEqual(rows, [
    { name: "b", chance: 1, unscaled: 0.75, tried: 10, yours: null, className: "" },
    { name: "a", chance: 0, unscaled: 0.25, tried: 0, yours: null, className: "nl-cut" },
  ]);
  assert.equal(rowsOf(words(15), [...Array(15).keys()], even(15), even(15), new Map(), null).length, 15);
});

test("all other words share the last row", () => {
  const rows = rowsOf(words(20), [...Array(20).keys()], even(20), even(20), new Map([[0, 1], [16, 2], [19, 3]]), null);
  const { chance, unscaled, ...rest } = rows[15];
  assert.deepEqual(rest, { name: "5 other words", tried: 5, yours: null, className: "nl-rest" });
  assert.ok(Math.abs(chance - 0.25) < 1e-12 && Math.abs(unscaled - 0.25) < 1e-12);
  assert.equal(rowsOf(words(16), [...Array(16).keys()], even(16), even(16), new Map(), null)[15].name, "1 other word");
});

test("what the learner's function gives is marked where it differs", () => {
  const all = even(20), theirs = even(20);
  theirs[2] = 0.5;
  theirs[3] = NaN;
  theirs[17] = 0.25;
  const rows = rowsOf(words(20), [...Array(20).keys()], even(20), even(20), new Map(), { theirs, all });
  assert.deepEqual(rows.map(row => row.yours).filter((_, k) => ![2, 3, 15].includes(k)), Array(13).fill(null));
  assert.deepEqual([rows[2].yours, rows[3].yours], [0.5, NaN]);
  assert.ok(Math.abs((rows[15].yours ?? 0) - 0.45) < 1e-12); // 4 others as they should be
});

test("the last step of top-k is all words, and none is beyond", () => {
  assert.deepEqual(topKSteps(4), [1, 2, 3, 4]);
  assert.deepEqual(topKSteps(12), [1, 2, 3, 4, 5, 7, 10, 12]);
  assert.deepEqual(topKSteps(1), [1]);
});
