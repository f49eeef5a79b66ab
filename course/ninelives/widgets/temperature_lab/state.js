// The state of a temperature lab, its settings, and how uncertain a draw is.

/** @import { Settings } from "../js/sampling.js" */

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
 * @property {number[]} [prompt_ids] on a page: the ids of the prompt
 * @property {string} [network] on a page: the name of the network that it carries, or empty
 * @property {string} [why_no_network]
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

export const CLOSE = 1e-4; // rounding in float32 makes a learner's probabilities differ by less than this

/** The settings with numbers instead of null. @param {State} state @returns {Settings} */
export const settingsOf = ({ temperature, top_k, top_p, vocabulary }) =>
  ({ temperature, topK: top_k ?? vocabulary.length, topP: top_p ?? 1 });

/** The entropy in nats, and how many words can be drawn. @param {Float64Array} chances */
export function uncertainty(chances) {
  const positive = chances.filter(chance => chance > 0);
  return { entropy: positive.reduce((sum, chance) => sum - chance * Math.log(chance), 0), kept: positive.length };
}
