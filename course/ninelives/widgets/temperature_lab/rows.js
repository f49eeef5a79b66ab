// What the bars show: the likeliest words, and all others in one row.

import { CLOSE } from "./state.js";

/** @typedef {(word: number) => number} OfWord */
/** @typedef {{ theirs: Float64Array, all: Float64Array }} Compared what the learner's function gives, and what it should, of all words */

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {number} chance
 * @property {number} unscaled the probability at temperature 1, of all words
 * @property {number} tried how often the word was drawn in the tries
 * @property {number | null} yours what the learner's function gives, where that differs
 * @property {"" | "nl-cut" | "nl-rest"} className
 */

export const MOST_ROWS = 15; // before the one of all other words

/**
 * @param {string[]} vocabulary
 * @param {number[]} order
 * @param {Float64Array} chances
 * @param {Float64Array} unscaled the probabilities at temperature 1, of all words
 * @param {Map<number, number>} tries
 * @param {Compared | null} compared
 * @returns {Row[]}
 */
export function rowsOf(vocabulary, order, chances, unscaled, tries, compared) {
  const tried = (/** @type {number} */ word) => tries.get(word) ?? 0;
  const yours = (/** @type {(of: OfWord) => number} */ of) => {
    if (!compared) return null;
    const theirs = of(word => compared.theirs[word]);
    return Math.abs(theirs - of(word => compared.all[word])) <= CLOSE ? null : theirs;
  };
  /** @type {Row[]} */
  const rows = order.slice(0, MOST_ROWS).map(word => ({
    name: vocabulary[word], chance: chances[word], unscaled: unscaled[word], tried: tried(word), yours: yours(of => of(word)),
    className: chances[word] ? "" : "nl-cut",
  }));
  const others = order.slice(MOST_ROWS);
  if (!others.length) return rows;
  const sum = (/** @type {OfWord} */ of) => others.reduce((total, word) => total + of(word), 0);
  return [...rows, {
    name: `${others.length} other ${others.length === 1 ? "word" : "words"}`,
    chance: sum(word => chances[word]), unscaled: sum(word => unscaled[word]), tried: sum(tried), yours: yours(sum), className: "nl-rest",
  }];
}
