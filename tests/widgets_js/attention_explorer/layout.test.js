import assert from "node:assert/strict";
import { test } from "node:test";
import { viewOf } from "../../../course/ninelives/widgets/attention_explorer/attention.js";
import { layout } from "../../../course/ninelives/widgets/attention_explorer/layout.js";
import { attentionOf } from "../../../course/ninelives/widgets/attention_explorer/part.js";
import { inBlocks } from "../../../course/ninelives/widgets/attention_explorer/pixels.js";

/** @param {number} T @param {number} S @param {number} width @param {number} letter px */
function placed(T, S, width, letter, cross = T !== S) {
  const words = (/** @type {number} */ n) => Array(n).fill("word");
  /** @type {import("../../../course/ninelives/widgets/attention_explorer/part.js").Part} */
  const part = {
    name: "attention", shape: [1, 1, T, S], rows: words(T), columns: words(S), cross, weights: new ArrayBuffer(2 * T * S),
    layers: [0], heads: [0], names: {}, note: "", measures: {}, rollout: false, sent: [0], kind: "weights", item: "word", decimals: 2, pairs: null, why: null,
  };
  const attention = attentionOf({ data: [part], part: "attention", first: 0 });
  const view = viewOf(attention, { layer: 0, head: 0, hidden: [], combine: "", scale: "linear", vmax: 1 });
  return layout(attention, view, width, word => ({ width: letter * word.length }));
}

test("heatmap and lines fit side by side on a wide page", () => {
  for (const T of [1, 11, 64, 512]) {
    const { heatWidth, linesWidth } = placed(T, T, 1000, 8);
    assert.ok(heatWidth + 28 + linesWidth <= 1000);
    assert.ok(linesWidth > 150);
  }
});

test("on a narrow page the lines get the whole width", () => {
  assert.equal(placed(11, 11, 400, 8).linesWidth, 400);
  assert.ok(placed(11, 11, 400, 8).heatWidth <= 400);
});

test("few words leave room for the lines beside them on a narrow page, too", () => {
  const { heatWidth, linesWidth } = placed(4, 4, 600, 8);
  assert.equal(heatWidth + 28 + linesWidth, 600);
});

test("labels are upright only where they are narrower than the cells", () => {
  assert.equal(placed(5, 5, 1000, 8).isUpright, true);
  assert.equal(placed(64, 64, 1000, 8).isUpright, false);
});

test("labels that lean stand upright where only then all have room", () => {
  const lean = placed(11, 11, 760, 8), stand = placed(12, 22, 757, 8), dense = placed(64, 64, 757, 8);
  assert.ok(lean.angle < 1 && dense.angle < 1);
  assert.ok(stand.angle > 1.5 && stand.cw >= stand.size + 1 && stand.cw < (stand.size + 1) / Math.sin(lean.angle) + 3);
});

test("cells are square, but where many words of another sentence are attended to", () => {
  const square = placed(11, 11, 1000, 8), wide = placed(4, 200, 1000, 8);
  assert.equal(square.cw, square.ch);
  assert.ok(wide.ch > wide.cw);
});

test("a block of pixels has its strongest weight, and is gray where all of it is masked", () => {
  const signed = { rows: [0], columns: [0, 1, 2, 3], weights: new Float32Array([0.5, -0.75, -0.25, 0]), masked: new Uint8Array(4) };
  assert.deepEqual([...inBlocks(signed, 2, 1)], [-0.75, -0.25]);
  const weights = new Float32Array([0.1, 0.9, 0, 0, 0.2, 0.3, 0.4, 0]), masked = new Uint8Array(8), cells = { rows: [0, 1], columns: [0, 1, 2, 3], weights };
  assert.deepEqual([...inBlocks({ ...cells, masked }, 2, 1)], [...new Float32Array([0.9, 0.4])]);
  assert.deepEqual([...inBlocks({ ...cells, masked: masked.fill(1, 4) }, 1, 2)], [...new Float32Array([0.9]), NaN]);
});
