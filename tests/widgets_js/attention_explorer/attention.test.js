import assert from "node:assert/strict";
import { test } from "node:test";
import { isMasked, linkOf, linkWeight, meanRow, rowOf, viewOf } from "../../../course/ninelives/widgets/attention_explorer/attention.js";
import { attentionOf } from "../../../course/ninelives/widgets/attention_explorer/part.js";
import { cases } from "../cases.js";

// One layer, two heads, three words; in the second head every word attends to itself.
const units = [[0.5, 0.25, 0.25], [0.125, 0.875, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]].flat().map(w => 64000 * w);
const buffer = new Uint16Array(units).buffer;
/** @type {import("../../../course/ninelives/widgets/attention_explorer/part.js").Part} */
const part = {
  name: "attention", shape: [1, 2, 3, 3], rows: ["a", "b", "c"], columns: ["a", "b", "c"], cross: false, weights: buffer,
  layers: [0], heads: [0, 1], names: {}, note: "", measures: {}, rollout: false, sent: [0, 1],
  kind: "weights", item: "word", decimals: 2, pairs: null, why: null,
};
/** @type {import("../../../course/ninelives/widgets/attention_explorer/part.js").State} */
const state = {
  data: [part], part: "attention", model: "", first: 0, combine: "", scale: "linear", vmax: 1, layer: 0, head: 0, token: null, together: [], hidden: [], to: null, groups: {},
  colours: { weights: [], signed: [], accent: "", link: "", "link-dark": "" },
};
const attention = attentionOf(state);

test("weights come as a buffer, as a view on one, and as text", () => {
  const bytes = new Uint8Array(16 + buffer.byteLength);
  bytes.set(new Uint8Array(buffer), 16);
  const text = Buffer.from(bytes.slice(16)).toString("base64");
  for (const weights of [buffer, new DataView(bytes.buffer, 16), text]) {
    assert.deepEqual([...attentionOf({ ...state, data: [{ ...part, weights }] }).maps.values()].flatMap(map => [...map]), units);
  }
});

test("without a hidden word, each row is divided by the words that are left", () => {
  const view = viewOf(attention, { ...state, hidden: [0] });
  assert.deepEqual([view.rows, view.columns], [[1, 2], [1, 2]]);
  assert.deepEqual([...view.weights], [1, 0, 0, 1]);
});

test("a row whose weight is hidden altogether stays 0 and is not NaN", () => {
  const view = viewOf(attention, { ...state, hidden: [2] });
  assert.deepEqual([...rowOf(viewOf({ ...attention, cross: true }, { ...state, hidden: [2] }), 2)], [0, 0]);
  assert.deepEqual([...rowOf(view, 0)], [new Float32Array([2 / 3])[0], new Float32Array([1 / 3])[0]]);
});

test("in cross-attention the words that attend stay when words attended to are hidden", () => {
  const view = viewOf({ ...attention, cross: true }, { ...state, hidden: [0] });
  assert.deepEqual([view.rows, view.columns], [[0, 1, 2], [1, 2]]);
});

test("the weight of a link is renormalised as its row is", () => {
  const view = viewOf(attention, { ...state, hidden: [1] });
  assert.equal(linkWeight(attention, 0, view, 0, 2), new Float32Array([1 / 3])[0]);
  assert.equal(linkWeight(attention, 1, view, 2, 2), 1);
});

test("a view is kept while layer, head and hidden words stay", () => {
  const view = viewOf(attention, state);
  assert.notEqual(viewOf(attention, { ...state, head: 1 }, view), view);
  assert.notEqual(viewOf(attention, { ...state, hidden: [0] }, view), view);
});

test("a masked cell is neither a weight nor a part of the sum", () => {
  const masked = new Uint16Array([...units.slice(0, 9), 64000, 65535, 65535, 16000, 48000, 65535, 65535, 65535, 65535]).buffer;
  const closed = attentionOf({ ...state, data: [{ ...part, weights: masked }] }), view = viewOf(closed, { ...state, head: 1, hidden: [0] });
  assert.deepEqual([...view.masked], [0, 1, 1, 1]);
  assert.deepEqual([...view.weights], [1, 0, 0, 0]);
  assert.deepEqual([isMasked(view, 0), isMasked(view, 1)], [false, true]);
  assert.equal(linkWeight(closed, 1, view, 1, 2), null);
});

test("signed values are taken as they are, NaN is masked, and hiding a word changes no other", () => {
  const values = new Float32Array([...Array(9).fill(0), 1.5, -2, NaN, 0, 0, 0, 0, 0, 0]).buffer;
  const signed = attentionOf({ ...state, data: [{ ...part, kind: "scores", weights: values }] });
  const view = viewOf({ ...signed, cross: true }, { ...state, head: 1, hidden: [0] });
  assert.deepEqual([[...rowOf(view, 0)], view.masked[1], view.scale.isSigned], [[-2, 0], 1, true]);
  assert.equal(linkWeight(signed, 1, view, 0, 2), null);
  assert.deepEqual([linkOf(new Float32Array([-2, NaN]), "scores", 0), linkOf(new Float32Array([-2, NaN]), "scores", 1)], [-2, null]);
});

test("the mean of rows leaves out those that are masked", () => {
  const masked = new Uint16Array([64000, 0, 0, 65535, 65535, 65535, 0, 32000, 32000, ...units.slice(9)]).buffer;
  const view = viewOf(attentionOf({ ...state, data: [{ ...part, weights: masked }] }), state);
  assert.deepEqual([...meanRow(view, [0, 1, 2])], [0.5, 0.25, 0.25]);
  assert.deepEqual([...meanRow(view, [2])], [0, 0.5, 0.5]);
});

test("another part has its own words, and layers keep their numbers", () => {
  const other = { ...part, name: "decoder", rows: ["x", "y", "z"], layers: [5] };
  const { rowWords, layers } = attentionOf({ ...state, data: [part, other], part: "decoder" });
  assert.deepEqual([rowWords, layers], [["x", "y", "z"], [5]]);
});

test("the weights shown are those of Python", () => {
  for (const { state, says } of cases("attention_explorer")) {
    assert.deepEqual([...viewOf(attentionOf(state), state).weights].map(w => w.toFixed(2).replace(/^-(?=0\.00$)/, "")), says.weights);
  }
});
