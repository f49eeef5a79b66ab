import assert from "node:assert/strict";
import { test } from "node:test";
import { clamped, drawnState, headName, lastRow, shownWord, strongest } from "../../../course/ninelives/widgets/translation_lab/translation.js";
import { cases } from "../cases.js";

test("the weights of the last word are those of Python, of one head and of the mean of all", () => {
  for (const { state, says } of cases("translation_lab")) {
    assert.deepEqual(lastRow(state)?.map(w => w.toFixed(3)), says.row);
  }
});

test("before the first word there are no weights", () => {
  const [{ state }] = cases("translation_lab");
  assert.equal(lastRow({ ...state, step: 0 }), null);
});

test("a row names its three strongest words, the end in brackets", () => {
  const [{ state }] = cases("translation_lab");
  assert.equal(strongest(state, [0.1, 0.2, 0, 0.3, 0.4]), "(end) 0.40, chat 0.30, cat 0.20");
  assert.equal(strongest(state, [0.04, 0, 0, 0, 0]), "no word with 0.05 or more");
});

test("heads are counted through all layers", () => {
  assert.deepEqual([-1, 0, 4].map(view => headName(3, view)), ["mean of all heads", "layer 1, head 1", "layer 2, head 2"]);
});

test("what is drawn names the text, the step, the head, and whether it waits", () => {
  const [{ state }] = cases("translation_lab");
  assert.equal(drawnState(state), "the cat|3|-1|done");
  assert.equal(drawnState({ ...state, text: "the dog" }), "the cat|3|-1|waiting");
  assert.equal(drawnState({ ...state, error: "no" }), "the cat|3|-1|error");
});

test("no more words are written than there are", () => {
  const [{ state }] = cases("translation_lab");
  assert.equal(clamped({ ...state, step: 9 }).step, 3);
  assert.equal(shownWord("a "), "a␣");
});
