import assert from "node:assert/strict";
import { test } from "node:test";
import { afterClick, answerNow, drawnState, flipped, isNew, key } from "../../../course/ninelives/widgets/head_lab/changes.js";
import { reading, signed, strongest } from "../../../course/ninelives/widgets/head_lab/in_words.js";
import { cases } from "../cases.js";

test("the sentences are those of Python", () => {
  for (const { state, says } of cases("head_lab")) {
    assert.equal(reading(state), says.reading);
    assert.equal(strongest(state), says.strongest);
  }
});

test("the answers are found by the changes, in whatever order they were made", () => {
  const [, { state }] = cases("head_lab");
  assert.equal(key(state), "1,8|3|4,5,12");
  assert.equal(key({ ...state, hidden: [], out: [], patched: [] }), "");
  assert.equal(answerNow({ ...state, hidden: [1, 8] }), state.answers["1,8|3|4,5,12"]);
});

test("changes that no Python has computed are said to be unknown", () => {
  const [, { state }] = cases("head_lab"), unknown = { ...state, out: [3, 4], patched: [] };
  assert.match(reading(unknown), / With fox and strong hidden, encoder 0 head 3 and encoder 1 head 0 taken out: not computed\.$/);
  assert.match(drawnState(unknown), /#patched#unknown$/);
  assert.match(drawnState({ ...unknown, text: "the dog" }), /#waiting$/);
});

test("a press changes a head as the mode says, and a second press changes it back", () => {
  const [{ state }] = cases("head_lab");
  const out = { ...state, ...afterClick(state, 5) };
  assert.deepEqual([out.out, out.patched], [[5], []]);
  const patched = { ...out, mode: /** @type {"patched"} */ ("patched"), ...afterClick({ ...out, mode: "patched" }, 5) };
  assert.deepEqual([patched.out, patched.patched], [[], [5]]);
  assert.deepEqual(afterClick(patched, 5), { out: [], patched: [] });
  assert.deepEqual(flipped([1, 2], 1), [2]);
});

test("the words of a translation that are new are marked", () => {
  assert.deepEqual(isNew(["la", "pie", "court"], ["le", "pie"]), [true, false, true]);
});

test("numbers have one decimal and a true minus", () => {
  assert.deepEqual([-0.04, 0, -1.26, 12].map(signed), ["0.0", "0.0", "−1.3", "12.0"]);
});
