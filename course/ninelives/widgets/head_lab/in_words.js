// What the lab says. Python says the same; see in_words.py.

import { truncated } from "../js/labels.js";
import { answerNow, headName, largest } from "./changes.js";

/** @import { State } from "./changes.js" */

const MOST_NAMED = 3;
const LONGEST_TEXT = 80; // characters of a text that is not translated

/** One decimal, with a true minus and no minus zero. @param {number} x */
export const signed = x => x.toFixed(1).replace("-0.0", "0.0").replace("-", "−");

/** The translation, what is changed, and what becomes of it. @param {State} state */
export function reading(state) {
  const { answered, error, answers, pair: [one, other] } = state, whole = answers[""], now = answerNow(state);
  if (error) return `“${truncated(answered, LONGEST_TEXT)}” is not translated: ${error}`;
  const measured = whole.difference === null ? ` It has neither “${one}” nor “${other}”, so there is no choice to measure.`
    : ` log p(${one}) − log p(${other}) is ${signed(whole.difference)}.`;
  const said = `“${answered}” becomes “${whole.text}”.${measured}`, changes = changesInWords(state);
  if (!changes) return said;
  if (!now) return `${said} With ${changes}: not computed.`;
  const becomes = now.text === whole.text ? "the translation stays the same" : `it becomes “${now.text}”`;
  return `${said} With ${changes}, ${becomes}${now.difference === null ? "" : `, and the difference is ${signed(now.difference)}`}.`;
}

/** What is hidden, taken out and patched in; empty for nothing. @param {State} state */
export function changesInWords({ hidden, out, patched, words, layers }) {
  const inOrder = (/** @type {number[]} */ chosen) => [...chosen].sort((a, b) => a - b);
  const heads = (/** @type {number[]} */ chosen) => listed(inOrder(chosen).map(k => headName(layers, k)));
  return [
    hidden.length ? `${listed(inOrder(hidden).map(k => words[k]))} hidden` : "",
    out.length ? `${heads(out)} taken out` : "",
    patched.length ? `${heads(patched)} patched in` : "",
  ].filter(Boolean).join(", ");
}

/** Which words and heads the difference depends on most, and what is attended to instead. @param {State} state */
export function strongest({ words, layers, of_words: { occlusion, gradient, attention }, of_heads: { out, patched }, other }) {
  if (!occlusion || !gradient || !attention || !out) return "";
  const heads = out.map((_, k) => headName(layers, k));
  const attended = largest(attention, MOST_NAMED).map(k => `${words[k]} ${attention[k].toFixed(2)}`).join(", ");
  return `The difference depends most on the words ${most(occlusion, words)} (lost when each is hidden); gradient × `
    + `input names ${most(gradient, words)}; on average the decoder's heads attend most to ${attended}. `
    + `Taken out alone, the heads that change it most are ${most(out, heads)}.`
    + (patched ? ` Patched in alone from “${other}”: ${most(patched, heads)}.` : "");
}

/** How far a page is that measures. @param {number} done @param {number} total 0: not known yet */
export const progress = (done, total) => `Measuring what the choice depends on${total ? `: ${done} of ${total} numbers` : ""}.`;

/** The names with the largest numbers, whatever their sign. @param {number[]} numbers @param {string[]} names */
const most = (numbers, names) => largest(numbers, MOST_NAMED).map(k => `${names[k]} ${signed(numbers[k])}`).join(", ");

/** "a", "a and b", "a, b and c". @param {string[]} names */
const listed = names => (names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`);
