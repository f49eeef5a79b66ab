import assert from "node:assert/strict";
import { test } from "node:test";
import { argmax, clamp, counted, decimals, fromBase64, two } from "../../../course/ninelives/widgets/js/numbers.js";

test("two decimals have a true minus, and zero has none", () => {
  assert.deepEqual([-1.5, -0.001, 0, 2].map(two), ["−1.50", "0.00", "0.00", "2.00"]);
  assert.deepEqual([-1.25, -0.04, 2].map(x => decimals(x, 1)), ["−1.3", "0.0", "2.0"]);
});

test("the first of equal largest values is found", () => {
  assert.equal(argmax([1, 3, 3, 2]), 1);
  assert.equal(argmax(new Float32Array([0])), 0);
});

test("a number is kept between its limits", () => {
  assert.deepEqual([-1, 2, 9].map(x => clamp(x, 0, 5)), [0, 2, 5]);
});

test("one is counted in the singular", () => {
  assert.deepEqual([counted(1, "cell"), counted(0, "cell"), counted(2, "is", "are")], ["1 cell", "0 cells", "2 are"]);
});

test("base64 gives back its bytes", () => {
  assert.deepEqual([...new Uint8Array(fromBase64("AP8B"))], [0, 255, 1]);
});
