import assert from "node:assert/strict";
import { test } from "node:test";
import { isOpen } from "../../../course/ninelives/widgets/attention_explorer/attention.js";
import { attentionOf, numbersOf } from "../../../course/ninelives/widgets/attention_explorer/part.js";
import { explain, rowNumbers, scaleSign, short, whyProducts, whySums, whyTitle } from "../../../course/ninelives/widgets/attention_explorer/why.js";
import { cases } from "../cases.js";

test("why a weight is what it is, is said in the words of Python", () => {
  let compared = 0;
  for (const { state, says } of cases("attention_explorer")) {
    const attention = attentionOf(state), { why, T, S, H } = attention, k = state.layer * H + state.head;
    if (!why?.numbers) continue;
    const all = /** @type {Float32Array} */ (numbersOf(why.numbers, "signed")), sizes = { d: why.channels.length, T, S, bias: why.bias };
    const said = Array.from({ length: 2 * T }, (_, n) => {
      const i = Math.floor(n / 2), j = n % 2 ? S - 1 : 0, open = Array.from({ length: S }, (_, s) => isOpen(attention, k, i, s));
      const found = explain(rowNumbers(all, sizes, k, i), why.channels, why.scale[state.layer], open, j);
      return [whyTitle(found, attention.rowWords[i], attention.columnWords[j]), whyProducts(found), whySums(found)];
    });
    assert.deepEqual(said, says.why);
    compared += 1;
  }
  assert.equal(compared, 3);
});

test("the numbers that Python sends for one row are those of the row among all", () => {
  const all = new Float32Array([1, 2, 3, 4, 5, 6, 7, 8, 0.1, 0.2, 0.3, 0.4]), sizes = { d: 2, T: 2, S: 2, bias: true };
  const row = new Float32Array([3, 4, 5, 6, 7, 8, ...all.subarray(10)]);
  assert.deepEqual(rowNumbers(row, sizes, null, 0), rowNumbers(all, sizes, 0, 1));
});

test("numbers are as short as in the figures", () => {
  assert.deepEqual([7, 7.0000000001, -0.001, 3.5, -12.34, 123.4, 1234.5, 20000].map(short), ["7", "7", "0.00", "3.50", "−12.3", "123", "1e3", "2e4"]);
});

test("a scale is said as the root that it is of", () => {
  const channels = Array(16).fill("");
  assert.deepEqual([0.25, 1, 0.1].map(scale => scaleSign({ scale, channels })), ["÷ √16", "", "× 0.10"]);
});
