import assert from "node:assert/strict";
import { test } from "node:test";
import { clamped, stripsOf, wayOf } from "../../../course/ninelives/widgets/layer_stepper/way.js";
import { cases } from "../cases.js";

test("the strips of every station are those of Python's picture", () => {
  for (const { state, says } of cases("layer_stepper")) {
    const strips = stripsOf(state, wayOf(state)).map(({ name, values }) => [name, ...Array.from(values, x => x.toFixed(3))]);
    assert.deepEqual(strips, says.strips);
  }
});

test("before + attention + mlp = after", () => {
  const { state } = cases("layer_stepper")[1];
  const [before, attention, mlp, after] = stripsOf(state, wayOf(state)).map(({ values }) => values);
  after.forEach((x, c) => { assert.ok(Math.abs(before[c] + attention[c] + mlp[c] - x) < 2e-4); });
});

test("blocks without parts show what comes in and what goes out", () => {
  const { state } = cases("layer_stepper")[1], sizes = { ...state.sizes, parts: 0 };
  assert.deepEqual(stripsOf({ ...state, sizes }, wayOf(state)).map(({ name }) => name), ["before", "= after"]);
});

test("a station and a token that do not exist become the nearest that do", () => {
  const [{ state }] = cases("layer_stepper");
  const { station, token } = clamped({ ...state, station: 99, token: -1 });
  assert.deepEqual([station, token], [5, 0]);
});
