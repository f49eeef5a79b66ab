import assert from "node:assert/strict";
import { test } from "node:test";
import { viewOf } from "../../../course/ninelives/widgets/attention_explorer/attention.js";
import { asTable, headName, news, noteOf, rowInWords, sentence } from "../../../course/ninelives/widgets/attention_explorer/in_words.js";
import { attentionOf } from "../../../course/ninelives/widgets/attention_explorer/part.js";
import { cases } from "../cases.js";

const WORDS = ["a", "b", "c", "d"];

test("rows, heads and notes are said in the words of Python", () => {
  for (const { state, says } of cases("attention_explorer")) {
    const attention = attentionOf(state), view = viewOf(attention, state);
    assert.deepEqual(view.rows.map((_, r) => sentence(attention, view, [r])), says.rows);
    assert.equal(sentence(attention, view, state.together.map((/** @type {number} */ i) => view.rows.indexOf(i))), says.together);
    assert.deepEqual([headName(attention, view), noteOf(attention, view)], [says.head, says.note]);
  }
});

test("the numbers are copied as a table in which masked cells are empty", () => {
  const view = { rows: [0], columns: [0, 2], weights: new Float32Array([0.5, 0]), masked: new Uint8Array([0, 1]) };
  const attention = /** @type {any} */ ({ rowWords: WORDS, columnWords: WORDS });
  assert.equal(asTable(attention, /** @type {any} */ (view)), "\ta\tc\na\t0.5000\t");
});

test("a row names its three strongest words, from the strongest on", () => {
  assert.equal(rowInWords(new Float32Array([0.1, 0.4, 0.2, 0.3]), WORDS, "word"), "b 0.40, d 0.30, c 0.20");
});

test("a row in which all words are alike says so", () => {
  assert.equal(rowInWords(new Float32Array([0.25, 0.25, 0.25, 0.25]), WORDS, "word"), "all 4 words equally, 0.25 each");
  assert.equal(rowInWords(new Float32Array([0.5, 0.5]), WORDS, "word"), "both words equally, 0.50 each");
});

test("no winner is named among weights that are alike", () => {
  const words = [..."abcdefghijklmnopqrstuvw"], row = (/** @type {number[]} */ ...weights) => rowInWords(new Float32Array(weights), words, "word");
  assert.equal(row(...Array(6).fill(1 / 6), 0, 0, 0), "6 of 9 words equally, 0.17 each");
  assert.equal(row(...Array(5).fill(0.051), ...Array(18).fill(0.04)), "5 of 23 words alike, 0.05 each, and less to the others");
  assert.equal(row(0.5, 0.5, 0, 0), "a 0.50, b 0.50");
});

test("a row without a strong word names the strongest", () => {
  const many = new Float32Array(50).fill(0.02);
  many[1] = 0.04;
  many[2] = 0;
  assert.equal(rowInWords(many, [..."ab".repeat(25)], "word"), "no word with 0.05 or more (most: b 0.04)");
});

const said = { head: "Layer 1, head 1", sentence: "it attends to cat 0.71", cell: "", note: "" };

test("at first only the row is spoken", () => {
  assert.equal(news(null, said, "word"), "it attends to cat 0.71");
  assert.equal(news(null, { ...said, sentence: "" }, "word"), "");
});

test("another head is named before its row", () => {
  assert.equal(news(said, { ...said, head: "Layer 2, head 1", sentence: "it attends to full 0.40" }, "word"), "Layer 2, head 1. it attends to full 0.40");
});

test("within a row only the new cell is spoken", () => {
  assert.equal(news(said, { ...said, cell: "it attends to full 0.08" }, "word"), "it attends to full 0.08");
});

test("that every word is shown again is spoken", () => {
  assert.equal(news({ ...said, note: "1 word hidden." }, said, "word"), "Every word is shown. it attends to cat 0.71");
});

test("a note that ends in a full stop is followed by one only", () => {
  assert.equal(news(said, { ...said, note: "1 word hidden." }, "word"), "1 word hidden. it attends to cat 0.71");
});
