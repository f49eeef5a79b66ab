import assert from "node:assert/strict";
import { test } from "node:test";
import { isDark, rgbOf } from "../../../course/ninelives/widgets/js/colours.js";

test("a colour has its three parts", () => {
  assert.deepEqual(rgbOf("#0172ff"), [1, 114, 255]);
});

test("white text goes on dark colours only", () => {
  assert.deepEqual(["#000000", "#08306b", "#ffffff", "#deebf7"].map(isDark), [true, true, false, false]);
});
