import assert from "node:assert/strict";
import { test } from "node:test";
import { heading, likelyWords, reading } from "../../../course/ninelives/widgets/layer_stepper/in_words.js";
import { cases } from "../cases.js";

test("every station is said in the words of Python", () => {
  assert.equal(cases("layer_stepper").length, 6);
  for (const { state, says } of cases("layer_stepper")) {
    assert.equal(reading(state), says.reading);
    assert.equal(heading(state), says.heading);
    assert.deepEqual(likelyWords(state, state.station).map(([word]) => word), says.likely);
  }
});

test("blocks without parts are said by what comes in and goes out", () => {
  const { state } = cases("layer_stepper")[2];
  assert.match(reading({ ...state, sizes: { ...state.sizes, parts: 0 } }), /^After block 2 the vector of “the” has norm [\d.]+; before it was [\d.]+\.$/);
});
