import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf, plain, verdict } from "../../../course/ninelives/widgets/choice/in_words.js";
import { cases } from "../cases.js";

test("the verdict is that of Python", () => {
  for (const { state, says } of cases("choice")) assert.equal(verdict(state), says.verdict);
});

test("what stands in backticks is code", () => {
  assert.deepEqual(partsOf("the `mask` of `T`"), [
    { part: "the ", isCode: false }, { part: "mask", isCode: true }, { part: " of ", isCode: false },
    { part: "T", isCode: true }, { part: "", isCode: false },
  ]);
  assert.equal(plain("the `mask`"), "the mask");
});
