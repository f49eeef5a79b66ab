// What the bars show: the likeliest words, and all others in one row.

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {number} chance
 * @property {number} unscaled the probability at temperature 1, of all words
 * @property {number} tried how often the word was drawn in the tries
 * @property {"" | "nl-cut" | "nl-rest"} className
 */

export const MOST_ROWS = 15; // before the one of all other words

/**
 * @param {string[]} vocabulary
 * @param {number[]} order
 * @param {Float64Array} chances
 * @param {Float64Array} unscaled the probabilities at temperature 1, of all words
 * @param {Map<number, number>} tries
 * @returns {Row[]}
 */
export function rowsOf(vocabulary, order, chances, unscaled, tries) {
  const tried = (/** @type {number} */ word) => tries.get(word) ?? 0;
  /** @type {Row[]} */
  const rows = order.slice(0, MOST_ROWS).map(word => ({
    name: vocabulary[word], chance: chances[word], unscaled: unscaled[word], tried: tried(word),
    className: chances[word] ? "" : "nl-cut",
  }));
  const others = order.slice(MOST_ROWS);
  if (!others.length) return rows;
  const sum = (/** @type {(word: number) => number} */ of) => others.reduce((total, word) => total + of(word), 0);
  return [...rows, {
    name: `${others.length} other ${others.length === 1 ? "word" : "words"}`,
    chance: sum(word => chances[word]), unscaled: sum(word => unscaled[word]), tried: sum(tried), className: "nl-rest",
  }];
}
