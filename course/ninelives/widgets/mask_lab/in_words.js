// What the lab says. Python says the same of the learner's mask; see in_words.py.

import { counted, range } from "../js/numbers.js";
import { agrees, differsFrom, standsIn } from "../js/yours.js";
import { chosen, differing, isAnswered, isWord, labelAt, openTo, sizes } from "./masks.js";

/** @import { State } from "./masks.js" */

const NAME = "get_attention_mask";
const SHOWN = "what is shown";
const SHOWN_IN_WORDS = "what is shown in the rows of words";

/** Whom a row may attend to. @param {State} state @param {number} b @param {number} i */
export function rowInWords(state, b, i) {
  const open = openTo(state, b, i), closed = range(sizes(state).N).filter(j => !open.includes(j));
  const named = (/** @type {number[]} */ positions) => {
    const labels = positions.map(j => isWord(state, b, j) ? labelAt(state, b, j) : "pad").join(", ");
    return labels.replace(/\bpad(, pad\b)+/g, pads => `${pads.split(", ").length} pads`);
  };
  if (!open.length) return "may attend to nothing, so its softmax is 0 ÷ 0, NaN.";
  return `may attend to ${named(open)}${closed.length ? `; not to ${named(closed)}` : ", which is everything"}.`;
}

/** How far the empty rows of the chosen sentence spread, layer by layer. @param {State} state */
export function spreadOfNan(state) {
  const [b] = chosen(state), { P, T } = sizes(state), length = state.lengths[b];
  if (!state.rows_too || P || length === T) return "";
  return `After one layer the padding of sentence ${b + 1} is NaN. In the second, every word reads it with weight 0, and `
    + `0 · NaN is NaN: then ${state.words[b].slice(0, length).join(", ")} ${length === 1 ? "is" : "are"} NaN too. So it is right to leave the rows of padding open.`;
}

/** Whether the learner's masks are those shown. Rows of padding that the lab has closed are not compared. @param {State} state */
export function compared(state) {
  const { yours, causal } = state, name = yours.name ?? NAME, shown = state.rows_too ? SHOWN_IN_WORDS : SHOWN;
  if (yours.lengths === undefined) return "";
  if (!isAnswered(state)) {
    const kind = yours.causal === undefined ? "" : ` and ${yours.causal ? "a causal" : "an encoder's"} mask`;
    return `Your ${name} was called in the notebook alone, with the lengths ${yours.lengths.join(", ")}${kind}.`;
  }
  if (!yours.masks) return standsIn(name, yours.error);
  const count = differing(state);
  if (!count) return agrees(name, shown);
  const kind = yours.causal !== undefined || differing({ ...state, causal: !causal }) ? "" : causal ? ": yours is an encoder's" : ": yours is causal";
  return differsFrom(name, shown, `in ${counted(count, "cell")}${kind}`);
}
