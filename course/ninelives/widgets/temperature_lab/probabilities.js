// The probabilities of the next word under temperature, top-k and top-p, and draws from them.

import { range } from "../js/numbers.js";

/**
 * The synced traits of TemperatureLab. Words are ids, positions in `vocabulary`.
 * @typedef {object} State
 * @property {string[]} vocabulary V words
 * @property {string[]} prompt
 * @property {Record<string, string>} colours
 * @property {number | null} end_token
 * @property {number} temperature
 * @property {number | null} top_k null: all words
 * @property {number | null} top_p null: all words
 * @property {number[]} drawn
 * @property {number[]} chances the probability that each drawn word had
 * @property {{ after: number[], numbers?: string, error?: string }} scores V little-endian float32 in base64
 * @property {Comparison | {}} yours
 */

/**
 * What the learner's function gave.
 * @typedef {object} Comparison
 * @property {number[]} after
 * @property {number} temperature
 * @property {number} [away] the largest difference from the bars
 * @property {number} [word] where it is
 * @property {number | null} [chance] what the learner's function gives this word; null: NaN
 * @property {string} [numbers] what it gives all words, V little-endian float32 in base64, where some differ
 * @property {string} [error]
 * @property {boolean} [package]
 */

/** @typedef {{ temperature: number, topK: number, topP: number }} Settings */

export const CLOSE = 1e-4; // rounding in float32 makes a learner's probabilities differ by less than this
const TINY = 1.1754943508222875e-38; // the smallest normal float32, as in Python

/** The settings with numbers in place of null. @param {State} state @returns {Settings} */
export const settingsOf = ({ temperature, top_k, top_p, vocabulary }) =>
  ({ temperature, topK: top_k ?? vocabulary.length, topP: top_p ?? 1 });

/** The words by falling score; equal scores in the order of their ids. @param {Float64Array} logits */
export const byScore = logits => range(logits.length).sort((a, b) => logits[b] - logits[a] || a - b);

/**
 * The same as `next_token_probabilities` in Python.
 * @param {{ logits: Float64Array, order: number[] }} scores (V) each; `order` is that of `byScore`
 * @param {Settings} settings
 */
export function probabilities({ logits, order }, { temperature, topK, topP }) {
  const result = new Float64Array(logits.length);
  if (temperature === 0) {
    result[order[0]] = 1;
    return result;
  }
  // Subtracting the maximum first keeps small temperatures from overflowing; below TINY it would be 0 ÷ 0.
  const scaled = (/** @type {number} */ word) => (logits[word] - logits[order[0]]) / Math.max(temperature, TINY);
  const least = scaled(order[Math.min(topK, order.length) - 1]);
  let sum = 0;
  for (const word of order) {
    const x = scaled(word);
    if (x < least) break;
    result[word] = Math.exp(x);
    sum += result[word];
  }
  let kept = 0;
  for (const word of order) {
    result[word] = topP < 1 && kept >= topP ? 0 : result[word] / sum;
    kept += result[word];
  }
  if (topP < 1) for (const word of order) result[word] /= kept;
  return result;
}

/**
 * The word that a random number u, 0 ≤ u < 1, draws.
 * @param {Float64Array} chances
 * @param {number[]} order
 * @param {number} u
 */
export function wordAt(chances, order, u) {
  let rest = u, last = order[0];
  for (const word of order) {
    if (!chances[word]) continue;
    last = word;
    rest -= chances[word];
    if (rest < 0) break;
  }
  return last; // rounding may leave a little of u
}

/** The entropy in nats, and how many words can be drawn. @param {Float64Array} chances */
export function uncertainty(chances) {
  const positive = chances.filter(chance => chance > 0);
  return { entropy: positive.reduce((sum, chance) => sum - chance * Math.log(chance), 0), kept: positive.length };
}
