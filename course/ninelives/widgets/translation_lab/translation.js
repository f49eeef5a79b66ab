// What is written, and what it attended to.

import { visible } from "../js/labels.js";
import { clamp, range } from "../js/numbers.js";

/**
 * The synced traits of TranslationLab.
 * @typedef {object} State
 * @property {string} text
 * @property {string} answered the text to which all that follows belongs
 * @property {string} error
 * @property {string} whose whose model and whose function have written the translation
 * @property {string[]} english P words
 * @property {string[]} french T words
 * @property {string} translation
 * @property {number[][][][]} weights (L, H, T, P + T): row t is the one that wrote word t
 * @property {[string, number][][]} likely of each French word, and their probabilities
 * @property {[number, number]} heads L, H
 * @property {Record<string, string>} colours
 * @property {number} step how many words are written
 * @property {string} [network] on a page: the name of the network that it carries, or empty
 * @property {string} [why_no_network]
 * @property {string} [whose_on_page] `whose` of a translation that the page has computed
 * @property {number} view a head, counted through all layers, or −1 for the mean of all
 */

/** Whether Python has not yet translated the text. @param {State} state */
export const isWaiting = ({ text, answered }) => text !== answered;

/** The same state, with as many words written as there are at most. @param {State} state @returns {State} */
export const clamped = state => ({ ...state, step: clamp(state.step, 0, state.french.length) });

/** The word as it is shown. @param {string} word */
export const shownWord = word => (word === "<end>" ? "(end)" : visible(word));

/** The weights that wrote the last word, of the chosen head or the mean of all; none: null. @param {State} state */
export function lastRow({ weights, view, step }) {
  if (!step) return null;
  const heads = weights.flat(), row = step - 1;
  if (view >= 0) return heads[view][row];
  return heads[0][row].map((_, j) => heads.reduce((sum, head) => sum + head[row][j], 0) / heads.length);
}

/** The words that a row attends to most. @param {State} state @param {number[]} row */
export function strongest({ english, french }, row) {
  const words = [...english, ...french.map(shownWord)];
  const named = range(row.length).filter(j => row[j] >= 0.05).sort((a, b) => row[b] - row[a]).slice(0, 3);
  return named.map(j => `${words[j]} ${row[j].toFixed(2)}`).join(", ") || "no word with 0.05 or more";
}

/** What a head is called in the list of heads. @param {number} H @param {number} view */
export const headName = (H, view) => (view < 0 ? "mean of all heads" : `layer ${Math.floor(view / H) + 1}, head ${view % H + 1}`);

/** What is drawn, for code that waits for it: the text, the step, the head, and whether it is done. @param {State} state */
export const drawnState = state =>
  [state.answered, state.step, state.view, isWaiting(state) ? "waiting" : state.error ? "error" : "done"].join("|");
