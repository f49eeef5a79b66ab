// What the question says. Python says the same of `verdict`; see in_words.py.

/**
 * The traits that are synced.
 * @typedef {object} State
 * @property {string} question
 * @property {string[]} options
 * @property {string[]} explanations
 * @property {number} answer
 * @property {number | null} chosen
 * @property {Record<string, unknown>} colours
 */

/** Whether the chosen option is right. @param {State} state */
export function verdict({ chosen, answer }) {
  if (chosen === null) return "";
  return chosen === answer ? "Right." : "Not this one.";
}

/** Text and code in turn, as `backticks` part them. @param {string} text */
export const partsOf = text => text.split("`").map((part, k) => ({ part, isCode: k % 2 === 1 }));

/** Without the backticks around code. @param {string} text */
export const plain = text => text.replaceAll("`", "");
