import assert from "node:assert/strict";
import { test } from "node:test";
import { inSteps } from "../../../course/ninelives/widgets/js/steps.js";

test("between two steps of long work there is time for others, and it can be stopped", async () => {
  /** @type {string[]} */
  const seen = [];
  function* work() {
    for (let k = 0; k < 4; k++) {
      const begun = performance.now();
      while (performance.now() - begun < 13); // longer than a step
      seen.push("work");
      yield;
    }
  }
  globalThis.requestAnimationFrame = draw => Number(setTimeout(draw, 0, 0)); // Node.js draws nothing
  const other = setInterval(() => seen.push("other"));
  inSteps(work());
  const stop = inSteps(work());
  stop();
  await new Promise(resolve => { setTimeout(resolve, 200); });
  clearInterval(other);
  const works = seen.flatMap((what, k) => (what === "work" ? [k] : []));
  assert.equal(works.length, 4);
  assert.ok(works.every((at, k) => k === 0 || at > works[k - 1] + 1), seen.join());
});
