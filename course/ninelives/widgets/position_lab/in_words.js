// What the lab says, in the words of in_words.py.

import { two } from "../js/numbers.js";
import { isAtStart, minus, newPositions, norm, positionOf } from "./vectors.js";

/** @import { State, Vectors } from "./vectors.js" */

/** What becomes of the picked word at its position. @param {State} state @param {Vectors} vectors */
export function reading(state, vectors) {
  const { word } = state, position = positionOf(state), name = `“${state.words[word]}”`;
  if (!state.positions) return `${name} at position ${position}: without positions its vector is the same at every position`;
  const now = vectors.at(word, position), before = vectors.at(word, word);
  if (position === word) return `${name} at position ${position}, where it started: the length of its vector is ${two(norm(now))}`;
  const change = two(norm(minus(now, before)));
  return `${name} moved from position ${word} to position ${position}: its vector changed by ${change} (its length is ${two(norm(now))})`;
}

/** Whether the sentence has the same vectors as at the start, in any order. @param {State} state @param {Vectors} vectors */
export function bag(state, vectors) {
  const T = state.words.length, count = newPositions(state, vectors).length;
  if (T === 1) return "A sentence of one word has one position: there is nothing to move.";
  if (isAtStart(state)) return "The sentence is in its original order.";
  if (!count) return `The same ${T} vectors as at the start, in another order: as a bag of vectors, the two sentences are equal.`;
  return `${count} of the ${T} vectors ${count === 1 ? "is" : "are"} new: as a bag of vectors, this is another sentence.`;
}
