// The probabilities of the next word under temperature, top-k and top-p, and draws from them.

import { range } from "./numbers.js";

/** @typedef {{ temperature: number, topK: number, topP: number }} Settings */

const TINY = 1.1754943508222875e-38; // the smallest normal float32, as in Python

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
