import assert from "node:assert/strict";
import { test } from "node:test";
import { truncated, visible } from "../../../course/ninelives/widgets/js/labels.js";

test("spaces at the ends of a word and line breaks can be seen", () => {
  assert.equal(visible(" a b "), "␣a b␣");
  assert.equal(visible("\n\tx"), "⏎⇥x");
});

test("a long word is cut to the length that it may have", () => {
  assert.equal(truncated("abcdef", 4), "abc…");
  assert.equal(truncated("abcd", 4), "abcd");
});
