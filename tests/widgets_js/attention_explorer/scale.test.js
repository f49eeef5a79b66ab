import assert from "node:assert/strict";
import { test } from "node:test";
import { viewOf } from "../../../course/ninelives/widgets/attention_explorer/attention.js";
import { attentionOf } from "../../../course/ninelives/widgets/attention_explorer/part.js";
import { onBar, shareOf, ticksOf, ticksThatFit, topOf } from "../../../course/ninelives/widgets/attention_explorer/scale.js";
import { cases } from "../cases.js";

test("the top of a head's own scale is its largest weight, rounded up to two digits", () => {
  const tops = [[0.0431, 0.02], [0.5], [0.999], [0, 0]].map(weights => topOf("head", new Float32Array(weights)));
  assert.deepEqual(tops.map(top => top.toPrecision(6)), ["0.0440000", "0.500000", "1.00000", "1.00000"]);
  assert.equal(topOf(0.2, new Float32Array([1])), 0.2);
});

test("a weight above the top has its colour", () => {
  assert.equal(shareOf({ growth: "linear", top: 0.2 }, 0.5), 1);
  assert.equal(shareOf({ growth: "linear", top: 0.2 }, 0.05), 0.25);
  assert.equal(shareOf({ growth: "sqrt", top: 0.2 }, 0.05), 0.5);
});

test("a signed value has the colour of its size, on either side of the middle", () => {
  assert.deepEqual([-0.5, 0, 0.05, 9].map(w => onBar({ growth: "linear", top: 0.2, isSigned: true }, w)), [0, 0.5, 0.625, 1]);
  assert.equal(onBar({ growth: "sqrt", top: 0.2, isSigned: true }, -0.05), 0.25);
});

test("of the ticks, the ends and those that fit between them are written", () => {
  const ticks = (/** @type {"linear" | "sqrt"} */ growth, /** @type {number} */ top, isSigned = false) => ticksThatFit({ growth, top, isSigned }, 180);
  assert.deepEqual(ticks("linear", 1), [0, 0.25, 0.5, 0.75, 1]);
  assert.deepEqual(ticks("sqrt", 0.25), [0, 0.025, 0.125, 0.25]);
  assert.deepEqual(ticks("linear", 0.0013), [0, 0.00065, 0.0013]);
  assert.deepEqual(ticks("sqrt", 0.123, true), [-0.123, 0, 0.123]);
});

test("the scale and its ticks are those of Python", () => {
  for (const { state, says } of cases("attention_explorer")) {
    assert.deepEqual(ticksOf(viewOf(attentionOf(state), state).scale), says.ticks);
  }
});
