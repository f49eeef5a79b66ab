import assert from "node:assert/strict";
import { test } from "node:test";
import { isolated, thinned, truncated, visible } from "../../../course/ninelives/widgets/js/labels.js";

test("spaces at the ends of a word and line breaks can be seen", () => {
  assert.equal(visible(" a b "), "␣a b␣");
  assert.equal(visible("\n\tx"), "⏎⇥x");
  assert.equal(visible(""), "(empty)");
});

test("a long word is cut to the length that it may have", () => {
  assert.equal(truncated("abcdef", 4), "abc…");
  assert.equal(truncated("abcd", 4), "abcd");
  assert.equal(truncated("😀😀😀", 3), "😀😀😀");
  assert.equal(truncated("😀😀😀😀", 3), "😀😀…");
});

test("labels are thinned to those that do not touch", () => {
  assert.deepEqual(thinned(10, 5, 12, []), [0, 3, 6, 9]);
  assert.deepEqual(thinned(4, 20, 12, []), [0, 1, 2, 3]);
});

test("the chosen word keeps its label when labels are thinned", () => {
  assert.deepEqual(thinned(10, 5, 12, [4]), [4, 0, 9]);
});

test("a word from right to left leaves the number after it in its place", () => {
  assert.equal(isolated("قطة"), "\u2068قطة\u2069");
  assert.equal(isolated("cat"), "cat");
});
