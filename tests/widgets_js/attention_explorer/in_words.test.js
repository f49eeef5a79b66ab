import assert from "node:assert/strict";
import { test } from "node:test";
import { attentionOf, viewOf } from "../../../course/ninelives/widgets/attention_explorer/attention.js";
import { news, rowInWords, sentence } from "../../../course/ninelives/widgets/attention_explorer/in_words.js";
import { cases } from "../cases.js";

const WORDS = ["a", "b", "c", "d"];

test("rows are read in the words of Python", () => {
  for (const { state, says } of cases("attention_explorer")) {
    const attention = attentionOf(state), view = viewOf(attention, state);
    assert.deepEqual(view.rows.map((_, r) => sentence(attention, view, r)), says.rows);
  }
});

test("a row names its three strongest words, from the strongest on", () => {
  assert.equal(rowInWords(new Float32Array([0.1, 0.4, 0.2, 0.3]), WORDS), "b 0.40, d 0.30, c 0.20");
});

test("a row in which all words are alike says so", () => {
  assert.equal(rowInWords(new Float32Array([0.25, 0.25, 0.25, 0.25]), WORDS), "all 4 words equally, 0.25 each");
});

test("a row without a strong word names the strongest", () => {
  const many = new Float32Array(50).fill(0.02);
  many[1] = 0.04;
  many[2] = 0;
  assert.equal(rowInWords(many, [..."ab".repeat(25)]), "no word with 0.05 or more (most: b 0.04)");
});

const said = { head: "Layer 1, head 1", sentence: "it attends to cat 0.71", cell: "", note: "" };

test("at first only the row is spoken", () => {
  assert.equal(news(null, said), "it attends to cat 0.71");
  assert.equal(news(null, { ...said, sentence: "" }), "");
});

test("another head is named before its row", () => {
  assert.equal(news(said, { ...said, head: "Layer 2, head 1", sentence: "it attends to full 0.40" }), "Layer 2, head 1. it attends to full 0.40");
});

test("within a row only the new cell is spoken", () => {
  assert.equal(news(said, { ...said, cell: "it attends to full 0.08" }), "it attends to full 0.08");
});

test("that every word is shown again is spoken", () => {
  assert.equal(news({ ...said, note: "1 word hidden." }, said), "Every word is shown. it attends to cat 0.71");
});
