// The scores that have arrived from Python, and whether they are those of the present text.

import { fromBase64, range } from "../js/numbers.js";
import { byScore, probabilities } from "../js/sampling.js";
import { settingsOf } from "./state.js";

/** @import { State } from "./state.js" */

/**
 * @typedef {object} Scores
 * @property {string | null} after the drawn words that they follow, joined by commas
 * @property {Float64Array} logits (V)
 * @property {number[]} order (V) the words by falling score
 */

/**
 * Remembers all scores, so that stepping back needs no answer from Python. The returned function gives the scores of
 * the present text, or the last ones until these arrive.
 * @param {number} V
 */
export function scoreMemory(V) {
  /** @type {Map<string, string>} */
  const known = new Map();
  /** @type {Scores} */
  let last = { after: null, logits: new Float64Array(V), order: range(V) };
  return (/** @type {State} */ { drawn, scores }) => {
    if (scores.numbers !== undefined) known.set(scores.after.join(), scores.numbers);
    const after = drawn.join(), numbers = known.get(after);
    if (numbers === undefined || after === last.after) return last;
    const logits = Float64Array.from(new Float32Array(fromBase64(numbers)));
    last = { after, logits, order: byScore(logits) };
    return last;
  };
}

/** The probabilities of the next word under the present settings. @param {State} state @param {Scores} scores */
export const chancesOf = (state, scores) => probabilities(scores, settingsOf(state));

/**
 * What the learner's function gives all words at the present temperature, where it differs; else null.
 * @param {State} state
 * @param {Scores} scores
 */
export function theirsOf({ yours, temperature }, scores) {
  if (!("numbers" in yours) || yours.numbers === undefined) return null;
  if (yours.temperature !== temperature || yours.after.join() !== scores.after) return null;
  return Float64Array.from(new Float32Array(fromBase64(yours.numbers)));
}

/** Whether the scores are of another text. @param {State} state @param {Scores} scores */
export const isStale = (state, scores) => scores.after !== state.drawn.join();

/** What the model raised after the present text, or "". @param {State} state */
export function failure({ drawn, scores: { after, error } }) {
  return error !== undefined && after.join() === drawn.join() ? error : "";
}

/** @param {State} state */
export const hasEnded = ({ end_token, drawn }) => end_token !== null && drawn.includes(end_token);
