// Who may attend to whom. Positions are counted through the prefix (P) and the sentence (T), N = P + T.
// The same masks as `MaskLab.masks` in Python.

import { clamp, range } from "../js/numbers.js";

/**
 * The synced traits of MaskLab.
 * @typedef {object} State
 * @property {string[][]} words of B sentences
 * @property {string[][]} prefix of B prefixes, or none
 * @property {number[][]} scores (N, N)
 * @property {Record<string, string>} colours
 * @property {number[]} lengths
 * @property {number[]} prefix_lengths
 * @property {boolean} causal
 * @property {boolean} rows_too
 * @property {number} sentence
 * @property {number} token
 * @property {{ name?: string, lengths?: number[], prefix_lengths?: number[], causal?: boolean, masks?: string[], error?: string, package?: boolean }} yours what the learner's function gave; joint_mask is called by its name
 */

/** B, P, T and N. @param {Pick<State, "words" | "scores">} state */
export function sizes({ words, scores }) {
  const T = Math.max(...words.map(sentence => sentence.length));
  return { B: words.length, T, P: scores.length - T, N: scores.length };
}

/** The chosen sentence and row. @param {State} state @returns {[number, number]} */
export function chosen(state) {
  const { B, N } = sizes(state);
  return [clamp(state.sentence, 0, B - 1), clamp(state.token, 0, N - 1)];
}

/** Whether position i of sentence b is a word, not padding. @param {State} state @param {number} b @param {number} i */
export function isWord(state, b, i) {
  const { P } = sizes(state);
  return i < P ? i >= P - state.prefix_lengths[b] : i - P < state.lengths[b];
}

/** @param {State} state @param {number} b @param {number} i */
export function labelAt(state, b, i) {
  const { P } = sizes(state);
  if (!isWord(state, b, i)) return "pad";
  return i < P ? state.prefix[b][i - P + state.prefix_lengths[b]] : state.words[b][i - P];
}

/** Whether i may attend to j in sentence b. @param {State} state @param {number} b @param {number} i @param {number} j */
export function mayAttend(state, b, i, j) {
  const { P } = sizes(state);
  if (!isWord(state, b, j) || (state.rows_too && !isWord(state, b, i))) return false;
  if (j < P) return true;
  return i >= P && (!state.causal || j <= i);
}

/** The positions that i may attend to. @param {State} state @param {number} b @param {number} i */
export const openTo = (state, b, i) => range(sizes(state).N).filter(j => mayAttend(state, b, i, j));

/** The softmax over some columns of a row; the others get 0. @param {number[]} row @param {number[]} columns */
export function softmax(row, columns) {
  const most = Math.max(...columns.map(j => row[j]));
  const powers = row.map((score, j) => (columns.includes(j) ? Math.exp(score - most) : 0));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map(power => power / sum); // 0 ÷ 0 is NaN, as it would be in the model
}

/** Whether the learner's function was asked for the present lengths and kind of mask. @param {State} state */
export const isAnswered = ({ yours, lengths, prefix_lengths, causal }) =>
  yours.lengths?.join() === lengths.join() && (yours.name === undefined || yours.prefix_lengths?.join() === prefix_lengths.join())
  && (yours.causal === undefined || yours.causal === causal);

/** Whether the learner's mask differs in a cell; never in a row of padding that the lab has closed. @param {State} state @param {number} b @param {number} i @param {number} j */
export function differs(state, b, i, j) {
  const { P, T, N } = sizes(state), { masks } = state.yours;
  if (masks === undefined || !isAnswered(state)) return false;
  const first = masks[b].length === T * T ? P : 0; // of the positions that it is about
  if (i < first || j < first) return false;
  if (state.rows_too && !isWord(state, b, i)) return false;
  return (masks[b][(i - first) * (N - first) + j - first] === "1") !== mayAttend(state, b, i, j);
}

/** In how many cells it differs. @param {State} state */
export function differing(state) {
  const { B, N } = sizes(state), positions = range(N);
  return range(B).flatMap(b => positions.flatMap(i => positions.filter(j => differs(state, b, i, j)))).length;
}
