// What the stepper says, in the words of in_words.py.

import { two } from "../js/numbers.js";

/** @import { Kind, State } from "./way.js" */

/** What the present station does to the vector. @param {State} state */
export function reading({ words, stations, sizes, lengths, ends, station: s, token }) {
  const { blocks: L, channels: C, vocabulary: V, parts } = sizes, name = `“${words[token]}”`;
  const norm = (/** @type {Kind} */ kind, /** @type {number} */ row) => two(lengths[kind][row][token]);
  if (s === 0) return `The embedding of ${name} is a vector of ${C} numbers and of norm ${norm("stream", 0)}.`;
  if (s <= L) {
    const after = `After ${stations[s]} the vector of ${name} has norm ${norm("stream", s)}`;
    if (!parts) return `${after}; before it was ${norm("stream", s - 1)}.`;
    return `${after}. Attention added a vector of norm ${norm("attention", s - 1)}, the mlp one of ${norm("mlp", s - 1)}.`;
  }
  if (s === L + 1) return `The final norm brings the vector of ${name} from norm ${norm("stream", L)} to ${norm("normed", 0)}.`;
  const [low, high] = ends[token].map(two);
  if (s === L + 2) return `lm_head gives ${name} a score for each of ${V} words, from ${low} to ${high}.`;
  return `The softmax makes probabilities of the scores of ${name}: none is negative, and together they are 1.`;
}

/** What the list of words is at the present station. @param {Pick<State, "station" | "sizes">} state */
export function heading({ station, sizes: { blocks: L } }) {
  if (station <= L) return "If the model stopped here, the likely next words would be:";
  return ["What lm_head will make of it:", "The highest scores:", "The most likely next words:"][station - L - 1];
}

/**
 * The words of that list, with their probabilities or scores.
 * @param {Pick<State, "likely" | "sizes" | "token">} state
 * @param {number} station
 */
export const likelyWords = ({ likely, sizes: { blocks: L }, token }, station) =>
  likely[station === L + 2 ? L + 1 : Math.min(station, L)][token];
