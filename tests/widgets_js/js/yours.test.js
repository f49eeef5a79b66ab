import assert from "node:assert/strict";
import { test } from "node:test";
import { agrees, differsFrom, standsIn } from "../../../course/ninelives/widgets/js/yours.js";

test("the package's function is never called the learner's", () => {
  assert.equal(standsIn("f", "raises ValueError: no"), "The package's f is shown; yours raises ValueError: no");
  assert.equal(standsIn("f"), "The package's f is shown, not yours.");
});

test("a learner's function is compared with what is shown", () => {
  assert.equal(agrees("f", "the bars"), "Your f agrees with the bars.");
  assert.equal(differsFrom("f", "the bars", "in 1 cell"), "Your f differs from the bars in 1 cell.");
});
