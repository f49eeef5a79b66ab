// The weights, and which of them are shown. They arrive once, as 16-bit integers; widget.py says in which unit.

import { visible } from "../js/labels.js";
import { clamp, fromBase64, range } from "../js/numbers.js";

const UNIT = 64000;

/**
 * The synced traits of AttentionExplorer.
 * @typedef {object} State
 * @property {[number, number, number, number]} shape L layers, H heads, T words that attend, S words attended to
 * @property {string[]} rows
 * @property {string[]} columns
 * @property {boolean} cross
 * @property {DataView | ArrayBuffer | string} weights base64 on an exported page
 * @property {{ weights: string[], accent: string, link: string, "link-dark": string }} colours
 * @property {number} layer
 * @property {number} head
 * @property {number | null} token
 * @property {number[]} hidden
 * @property {number | null} to the column with which the ranking of heads opens
 * @property {Record<string, number[]>} groups positions of columns that are hidden with one click, by name
 */

/**
 * What never changes.
 * @typedef {object} Attention
 * @property {number} L
 * @property {number} H
 * @property {number} T
 * @property {number} S
 * @property {Uint16Array} data (L, H, T, S)
 * @property {string[]} rowWords
 * @property {string[]} columnWords
 * @property {boolean} cross
 */

/**
 * One head without the hidden words. Positions count all words; indices count those shown.
 * @typedef {object} View
 * @property {number} layer
 * @property {number} head
 * @property {number[]} hidden positions
 * @property {number[]} rows positions
 * @property {number[]} columns positions
 * @property {Float32Array} weights (rows, columns), each row sums to 1
 */

/** @typedef {{ row: number, column: number | null }} Cell positions; null: the whole row */

/** @param {State["weights"]} weights */
function integers(weights) {
  if (typeof weights === "string") return new Uint16Array(fromBase64(weights));
  if (weights instanceof ArrayBuffer) return new Uint16Array(weights);
  return new Uint16Array(weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength));
}

/** @param {State} state @returns {Attention} */
export function attentionOf({ shape: [L, H, T, S], rows, columns, cross, weights }) {
  return { L, H, T, S, cross, data: integers(weights), rowWords: rows.map(visible), columnWords: columns.map(visible) };
}

/**
 * The weights of a head over the words shown, renormalised.
 * @param {Attention} attention
 * @param {number} k the head, counted through all layers
 * @param {Pick<View, "rows" | "columns">} shown
 */
export function headWeights({ data, T, S }, k, { rows, columns }) {
  const out = new Float32Array(rows.length * columns.length);
  let at = 0;
  for (const i of rows) {
    const start = (k * T + i) * S;
    let total = UNIT;
    if (columns.length < S) {
      total = 0;
      for (const j of columns) total += data[start + j];
    }
    for (const j of columns) out[at++] = total ? data[start + j] / total : 0;
  }
  return out;
}

/**
 * One weight of head k, renormalised.
 * @param {Attention} attention
 * @param {number} k
 * @param {View} view
 * @param {number} from position of a row
 * @param {number} to position of a column
 */
export const linkWeight = (attention, k, { columns }, from, to) =>
  headWeights(attention, k, { rows: [from], columns })[columns.indexOf(to)];

/**
 * @param {Attention} attention
 * @param {State} state
 * @param {View} [last] whose weights are taken where they are the same
 * @returns {View}
 */
export function viewOf(attention, state, last) {
  const layer = clamp(state.layer, 0, attention.L - 1), head = clamp(state.head, 0, attention.H - 1), { hidden } = state;
  if (last && last.layer === layer && last.head === head && last.hidden.join() === hidden.join()) return last;
  const gone = new Set(hidden);
  const rows = range(attention.T).filter(i => attention.cross || !gone.has(i));
  const columns = range(attention.S).filter(j => !gone.has(j));
  const weights = headWeights(attention, layer * attention.H + head, { rows, columns });
  return { layer, head, hidden: [...hidden], rows, columns, weights };
}

/** The weights of one row. @param {View} view @param {number} r its index */
export const rowOf = ({ weights, columns }, r) => weights.subarray(r * columns.length, (r + 1) * columns.length);
