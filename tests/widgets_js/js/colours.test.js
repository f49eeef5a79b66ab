import assert from "node:assert/strict";
import { test } from "node:test";
import { inDarkTheme, isDark, numberOn, rgbOf } from "../../../course/ninelives/widgets/js/colours.js";

test("a colour has its three parts", () => {
  assert.deepEqual(rgbOf("#0172ff"), [1, 114, 255]);
});

test("the dark theme shows a colour as Python computes it", () => {
  assert.deepEqual(["#ffffff", "#0072b2"].map(hex => inDarkTheme(rgbOf(hex)).map(Math.round)), [[18, 18, 18], [75, 173, 228]]);
});

test("a number is black or white, whichever has the higher contrast in a theme", () => {
  assert.deepEqual(["#757575", "#777777"].map(hex => isDark(rgbOf(hex))), [true, false]);
  assert.deepEqual(["#073b5e", "#bcdcf0"].map(numberOn), ["nl-number nl-white", "nl-number nl-white-in-dark"]);
});
