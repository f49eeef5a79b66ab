// Why a weight is what it is: from query and key, channel by channel, to the softmax. In the words of ninelives.figures.why.

import { range } from "../js/numbers.js";

const CHANNELS_SAID = 3;
const TOO_SMALL = 103; // below the largest score: e to the power of what is further down is 0 in float32, masked or not
const BIG = 20; // a larger score makes e^score hard to read, so the largest is subtracted from all

/** @typedef {{ channels: string[], scale: number[], bias: boolean, numbers: string | DataView | null }} WhyState what Python sends of queries and keys */
/** @typedef {{ q: Float32Array, keys: Float32Array, biases: Float32Array | null }} RowNumbers the query of a row (d), all keys (S, d) */

/**
 * The numbers of one row among those of all heads, or as Python sends them for one row.
 * @param {Float32Array} all @param {{ d: number, T: number, S: number, bias: boolean }} sizes
 * @param {number | null} k the head, null where `all` is of one row only @param {number} row
 * @returns {RowNumbers}
 */
export function rowNumbers(all, { d, T, S, bias }, k, row) {
  const rows = k === null ? 1 : T, start = (k ?? 0) * (T * d + S * d + (bias ? T * S : 0)), i = k === null ? 0 : row;
  const afterKeys = start + rows * d + S * d;
  return {
    q: all.subarray(start + i * d, start + (i + 1) * d), keys: all.subarray(start + rows * d, afterKeys),
    biases: bias ? all.subarray(afterKeys + i * S, afterKeys + (i + 1) * S) : null,
  };
}

/** @typedef {ReturnType<typeof explain>} Why */

/**
 * @param {RowNumbers} numbers
 * @param {string[]} channels
 * @param {number} scale
 * @param {boolean[]} open which keys are not masked
 * @param {number} j the key
 */
export function explain({ q, keys, biases }, channels, scale, open, j) {
  const d = channels.length;
  const products = open.map((_, s) => q.reduce((sum, x, c) => sum + x * keys[s * d + c], 0));
  const scores = products.map((product, s) => product * scale + (biases?.[s] ?? 0)), seen = scores.filter((_, s) => open[s]);
  const most = Math.max(...seen), least = Math.min(...seen), minus = most > BIG ? most : 0;
  const powers = scores.map((score, s) => (open[s] ? Math.exp(score - minus) : 0)), sum = powers.reduce((a, b) => a + b, 0);
  const key = keys.slice(j * d, (j + 1) * d), perChannel = Array.from(q, (x, c) => x * key[c]);
  return {
    channels, scale, open, j, products, scores, powers, sum, most, least, minus, hasBias: biases !== null, bias: biases?.[j] ?? 0,
    query: Array.from(q), key: Array.from(key), product: perChannel, weight: sum ? powers[j] / sum : 0,
    largest: range(d).sort((a, b) => Math.abs(perChannel[b]) - Math.abs(perChannel[a])),
  };
}

/** A number as in a cell of the figures; a sum that differs from a whole number by rounding is one. @param {number} value */
export function short(value) {
  const x = Number(value.toFixed(6)), size = Math.abs(x);
  let text = size >= 999.5 ? size.toExponential(0).replace("e+", "e") : size >= 9.995 ? Number(size.toPrecision(3)).toString() : size.toFixed(2);
  if (Number.isInteger(x) && size < 1e4) text = size.toFixed(0);
  return (x < 0 && Number(text) !== 0 ? "−" : "") + text;
}

/** "÷ √64", or "× 0.1" where it is another scale, or nothing. @param {Pick<Why, "scale" | "channels">} why */
export function scaleSign({ scale, channels }) {
  if (Math.abs(scale * Math.sqrt(channels.length) - 1) < 1e-3) return `÷ √${channels.length}`;
  return scale === 1 ? "" : `× ${short(scale)}`;
}

/** With two decimals, or five where these would be 0.00. @param {number} weight */
function weightInWords(weight) {
  if (weight >= 0.005 || !weight) return weight.toFixed(2);
  return weight >= 0.00001 ? weight.toFixed(5) : "less than 0.00001";
}

/** Whether a weight is 0 whatever a mask says. @param {Pick<Why, "most" | "scores">} why @param {number} j */
export const isTooSmall = ({ most, scores }, j) => most - scores[j] > TOO_SMALL;

/** @param {Why} why @param {string} from @param {string} to the words */
export const whyTitle = ({ open, j, weight }, from, to) =>
  open[j] ? `Why ${from} attends to ${to} with ${weightInWords(weight)}` : `Why ${from} does not attend to ${to}`;

/** @param {Why} why */
export function whyProducts({ largest, product, channels }) {
  const some = largest.slice(0, CHANNELS_SAID).filter(c => product[c]);
  if (!some.length) return "All products are 0.";
  const name = (/** @type {number} */ c) => (/^\d+$/.test(channels[c]) ? `channel ${channels[c]}` : channels[c]);
  return `Largest product${some.length > 1 ? "s" : ""}: ${some.map(c => `${short(product[c])} (${name(c)})`).join(", ")}.`;
}

/** From the products to the weight. @param {Why} why */
export function whySums(why) {
  const { product, bias, scores, j, open, most, least, weight } = why;
  const scaled = scaleSign(why).replace("÷", "divided by").replace("×", "times");
  const steps = [scaled, bias ? `with ${short(bias)} added` : "", `the score is ${short(scores[j])}.`].filter(Boolean).join(", ");
  const start = `The products add up to ${short(product.reduce((a, b) => a + b, 0))}; ${steps}`;
  if (!open[j] && isTooSmall(why, j)) return `${start} The largest score is ${short(most)}, so that the softmax gives 0 here in float32, whether the key is masked or not.`;
  if (!open[j]) return `${start} But this key is masked: its score becomes −∞ and its weight 0.`;
  const seen = open.filter(Boolean).length, masked = open.length - seen;
  return `${start} The softmax over ${seen} score${seen === 1 ? "" : "s"} from ${short(least)} to ${short(most)}` +
    `${masked ? ` (${masked} masked)` : ""} gives ${weightInWords(weight)}.`;
}
