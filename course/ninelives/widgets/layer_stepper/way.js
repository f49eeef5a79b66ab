// The numbers on a token's way. They arrive once, as 16-bit integers; see encoding.py.

import { clamp, fromBase64, two } from "../js/numbers.js";

const UNIT = 32767;

/** @typedef {"stream" | "attention" | "mlp" | "normed"} Kind */

/**
 * The synced traits of LayerStepper. Stations: 0 is the embedding, then L blocks, the final norm, logits, probabilities.
 * @typedef {object} State
 * @property {string[]} words
 * @property {string[]} stations
 * @property {string[]} shapes one for each station
 * @property {{ tokens: number, blocks: number, channels: number, vocabulary: number, scores: number, parts: number }} sizes
 * @property {string} numbers base64
 * @property {{ vectors: number, shown: number, logits: number, probabilities: number }} largest shown: the end of the vectors' colours
 * @property {Record<Kind, number[][]>} lengths [row][token]
 * @property {[number, number][]} ends lowest and highest score of each token
 * @property {[string, number][][][]} likely [row][token], the most likely words
 * @property {{ signed: string[], accent: string, link: string, "link-dark": string }} colours
 * @property {string} note
 * @property {number} station
 * @property {number} token
 */

/** @typedef {{ name: string, values: Float64Array, size: string }} Strip values parts of the scale's end; a few numbers of vectors are beyond it */

/** The same state, with a station and a token that exist. @param {State} state @returns {State} */
export const clamped = state => ({
  ...state,
  station: clamp(state.station, 0, state.stations.length - 1),
  token: clamp(state.token, 0, state.words.length - 1),
});

/** How to find a row of numbers, as parts of the largest of their kind. @param {Pick<State, "sizes" | "numbers">} state */
export function wayOf({ sizes: { tokens: T, blocks: L, channels: C, scores: S, parts }, numbers }) {
  const data = Float64Array.from(new Int16Array(fromBase64(numbers)), x => x / UNIT);
  const rows = { stream: L + 1, attention: parts, mlp: parts, normed: 1 };
  /** @type {Record<string, number>} */
  const starts = {};
  let next = 0;
  for (const [kind, count] of Object.entries(rows)) {
    starts[kind] = next;
    next += count * T * C;
  }
  return {
    /** @param {Kind} kind @param {number} row @param {number} token */
    vector(kind, row, token) {
      const start = starts[kind] + (row * T + token) * C;
      return data.subarray(start, start + C);
    },
    /** @param {0 | 1} k scores, probabilities @param {number} token */
    scores(k, token) {
      const start = next + (k * T + token) * S;
      return data.subarray(start, start + S);
    },
  };
}

/**
 * The strips of the present station, the last the sum of the others where there are several vectors.
 * @param {State} state
 * @param {ReturnType<typeof wayOf>} way
 * @returns {Strip[]}
 */
export function stripsOf({ station: s, token, sizes: { blocks: L, parts }, largest, lengths, ends }, way) {
  const strip = (/** @type {string} */ name, /** @type {Kind} */ kind, /** @type {number} */ row) =>
    ({ name, values: way.vector(kind, row, token).map(x => x * largest.vectors / largest.shown), size: `norm ${two(lengths[kind][row][token])}` });
  if (s === 0) return [strip("embedding", "stream", 0)];
  if (s <= L) {
    const added = parts ? [strip("+ attention", "attention", s - 1), strip("+ mlp", "mlp", s - 1)] : [];
    return [strip("before", "stream", s - 1), ...added, strip("= after", "stream", s)];
  }
  if (s === L + 1) return [strip("before", "stream", L), strip("normed", "normed", 0)];
  const [lowest, highest] = ends[token];
  const raw = { name: "scores", values: way.scores(0, token), size: `${two(lowest)} to ${two(highest)}` };
  return s === L + 2 ? [raw] : [raw, { name: "probabilities", values: way.scores(1, token), size: "sum 1.00" }];
}
