// The vector of every word at every position. They arrive once, as float32 in base64; widget.py says what their parts are.

import { clamp, fromBase64, range } from "../js/numbers.js";

const SAME = 1e-5; // of the largest number: less is no difference

/**
 * The synced traits of PositionLab. A word is named by its position at the start.
 * @typedef {object} State
 * @property {string[]} words
 * @property {number} channels
 * @property {string} vectors base64
 * @property {string} word_vectors base64, the part of each word
 * @property {number} largest absolute number of all: the end of the scale
 * @property {string} note
 * @property {{ signed: string[], accent: string }} colours
 * @property {number[]} order the words, from the first position to the last
 * @property {number} word the one that is picked
 * @property {boolean} positions
 */

/** @typedef {ArrayLike<number>} Vector */

/** @param {Pick<State, "words" | "channels" | "vectors" | "word_vectors" | "largest">} state */
export function vectorsOf({ words, channels: C, vectors, word_vectors, largest }) {
  const data = new Float32Array(fromBase64(vectors)), parts = new Float32Array(fromBase64(word_vectors)), T = words.length;
  const at = (/** @type {number} */ word, /** @type {number} */ position) => {
    const start = (word * T + position) * C;
    return data.subarray(start, start + C);
  };
  return {
    at,
    wordPart: (/** @type {number} */ word) => parts.subarray(word * C, (word + 1) * C),
    isSame: (/** @type {Vector} */ a, /** @type {Vector} */ b) => range(C).every(c => Math.abs(a[c] - b[c]) < SAME * largest),
  };
}

/** @typedef {ReturnType<typeof vectorsOf>} Vectors */

/** @param {Vector} a @param {Vector} b */
export const minus = (a, b) => Array.from(a, (x, c) => x - b[c]);

/** @param {Vector} v */
export const norm = v => Math.sqrt(Array.from(v).reduce((sum, x) => sum + x * x, 0));

/** The position of the picked word. @param {State} state */
export const positionOf = ({ order, word }) => order.indexOf(word);

/** Whether every word is where it began. @param {Pick<State, "order">} state */
export const isAtStart = ({ order }) => order.every((word, position) => word === position);

/** The same state, with a word that exists. @param {State} state @returns {State} */
export const clamped = state => ({ ...state, word: clamp(state.word, 0, state.words.length - 1) });

/**
 * The vector that the model gets.
 * @param {State} state
 * @param {Vectors} vectors
 * @param {number} word
 * @param {number} position
 * @returns {Vector}
 */
export const vectorGiven = ({ positions }, vectors, word, position) =>
  positions ? vectors.at(word, position) : vectors.wordPart(word);

/** The positions whose vector was not in the sentence at the start. @param {State} state @param {Vectors} vectors */
export function newPositions({ positions, order }, vectors) {
  if (!positions) return [];
  const left = order.map((_, word) => vectors.at(word, word));
  return range(order.length).filter(position => {
    const same = left.findIndex(before => vectors.isSame(before, vectors.at(order[position], position)));
    if (same >= 0) left.splice(same, 1);
    return same < 0;
  });
}

/** The order after `word` is moved to another position. @param {number[]} order @param {number} word @param {number} to */
export function moved(order, word, to) {
  const others = order.filter(other => other !== word);
  return [...others.slice(0, to), word, ...others.slice(to)];
}

/**
 * The strips of the picked word: its part, the position's part, their sum, and what the sum was at the start.
 * `isOff`: the strip does not count at present.
 * @param {State} state
 * @param {Vectors} vectors
 * @returns {{ title: string, values: Vector, isOff: boolean }[]}
 */
export function stripsOf(state, vectors) {
  const { word, positions } = state, position = positionOf(state), part = vectors.wordPart(word);
  return [
    { title: state.words[word], values: part, isOff: false },
    { title: `+ position ${position}`, values: minus(vectors.at(word, position), part), isOff: !positions },
    { title: "= the model gets", values: vectorGiven(state, vectors, word, position), isOff: false },
    { title: `before, position ${word}`, values: vectors.at(word, word), isOff: !positions || position === word },
  ];
}
