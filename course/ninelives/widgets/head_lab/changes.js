// What is changed in a sentence and in the heads, and what was computed for it.

import { range } from "../js/numbers.js";

/**
 * What was written after some changes. `difference` is log p(one) − log p(other), or null without a choice.
 * @typedef {{ french: string[], text: string, difference: number | null }} Answer
 */

/**
 * The synced traits of HeadLab.
 * @typedef {object} State
 * @property {string} text
 * @property {string} answered the text to which all that follows belongs
 * @property {string} error
 * @property {string} remark that the sentence is not of the grammar, or empty
 * @property {string} whose
 * @property {string[]} words P words
 * @property {[string, string]} pair
 * @property {string} other the sentence from which heads are patched in, or empty
 * @property {string} other_answer
 * @property {[string, number][]} layers the name and the number of heads of each
 * @property {{ occlusion?: number[], gradient?: number[], attention?: number[] }} of_words
 * @property {{ out?: number[], patched?: number[] }} of_heads
 * @property {Record<string, Answer>} answers by the changes, as `key` writes them
 * @property {number[]} hidden
 * @property {number[]} out
 * @property {number[]} patched
 * @property {"out" | "patched"} mode
 * @property {string} [measuring] on a page: how far it is that measures, empty when it has measured
 * @property {string} [remark_on_page] of a sentence that the page has translated
 * @property {string} [network] on a page: the name of the network that it carries, or empty
 * @property {string} [why_no_network]
 * @property {Record<string, any>} colours
 */

/** By which the present changes are found among the answers; empty for none. @param {Pick<State, "hidden" | "out" | "patched">} changes */
export function key({ hidden, out, patched }) {
  const parts = [hidden, out, patched].map(chosen => [...chosen].sort((a, b) => a - b).join());
  return parts.some(Boolean) ? parts.join("|") : "";
}

/** What was written after the present changes, if it is known. @param {State} state @returns {Answer | undefined} */
export const answerNow = state => state.answers[key(state)];

/** Whether Python has not yet translated the text. @param {State} state */
export const isWaiting = ({ text, answered }) => text !== answered;

/** A list with a member taken out, or put in. @param {number[]} chosen @param {number} k */
export const flipped = (chosen, k) => (chosen.includes(k) ? chosen.filter(other => other !== k) : [...chosen, k]);

/**
 * The traits after a click on a head: it is changed as the mode says, or unchanged again.
 * @param {State} state
 * @param {number} k
 */
export function afterClick({ mode, out, patched }, k) {
  const without = (/** @type {number[]} */ heads) => heads.filter(other => other !== k);
  return mode === "out" ? { out: flipped(out, k), patched: without(patched) } : { out: without(out), patched: flipped(patched, k) };
}

/** The name of a head counted through all layers. @param {State["layers"]} layers @param {number} k */
export function headName(layers, k) {
  let rest = k;
  for (const [layer, count] of layers) {
    if (rest < count) return `${layer} head ${rest}`;
    rest -= count;
  }
  return "";
}

/** The positions of the largest numbers, whatever their sign. @param {number[]} numbers @param {number} count */
export const largest = (numbers, count) =>
  range(numbers.length).sort((a, b) => Math.abs(numbers[b]) - Math.abs(numbers[a]) || a - b).slice(0, count);

/** Which words of a translation are not those of another. @param {string[]} french @param {string[]} before */
export const isNew = (french, before) => french.map((word, k) => word !== before[k]);

/** What is drawn, for code that waits for it. @param {State} state */
export const drawnState = state =>
  [state.answered, key(state), state.mode, isWaiting(state) ? "waiting" : state.error ? "error" : !answerNow(state) ? "unknown" : state.measuring ? "measuring" : "done"].join("#");
