// The weights, and which of them are shown. They arrive as 16-bit integers; encoding.py says in which unit.

import { visible } from "../js/labels.js";
import { clamp, fromBase64, range } from "../js/numbers.js";
import { topOf } from "./scale.js";

/** @import { Kind, Scale } from "./scale.js" */

const UNIT = 64000;
const MASKED = 65535;

/**
 * One part of a model: encoder, decoder, cross-attention.
 * @typedef {object} Part
 * @property {string} name
 * @property {[number, number, number, number]} shape L layers, H heads, T words that attend, S words attended to
 * @property {string[]} rows
 * @property {string[]} columns
 * @property {boolean} cross
 * @property {number[]} layers their numbers, from 0
 * @property {number[]} heads
 * @property {Record<string, string>} names of heads, by "layer,head"
 * @property {string} note
 * @property {DataView | ArrayBuffer | string} weights base64 on an exported page
 */

/**
 * The synced traits of AttentionExplorer.
 * @typedef {object} State
 * @property {Part[]} data
 * @property {string} part the name of the one that is shown
 * @property {string} model
 * @property {{ weights: string[], accent: string, link: string, "link-dark": string }} colours
 * @property {number} layer
 * @property {number} head
 * @property {number | null} token
 * @property {number[]} hidden
 * @property {number | null} to the column with which the ranking of heads opens
 * @property {Record<string, number[]>} groups positions of columns that are hidden with one click, by name
 * @property {Kind} scale
 * @property {number | "head"} vmax
 * @property {0 | 1} first the number of the first layer and head
 */

/**
 * What never changes while a part is shown.
 * @typedef {object} Attention
 * @property {number} L
 * @property {number} H
 * @property {number} T
 * @property {number} S
 * @property {Uint16Array} data (L, H, T, S)
 * @property {string[]} rowWords
 * @property {string[]} columnWords
 * @property {boolean} cross
 * @property {number[]} layers
 * @property {number[]} heads
 * @property {number} first
 * @property {Part["names"]} names
 * @property {string} note
 */

/** @typedef {{ rows: number[], columns: number[], weights: Float32Array, masked: Uint8Array }} Cells both (rows, columns); a masked weight is 0 */

/**
 * One head without the hidden words. Positions count all words; indices count those shown. Each row sums to 1.
 * @typedef {Cells & { layer: number, head: number, hidden: number[], scale: Scale, vmax: number | "head" }} View
 */

/** @typedef {{ row: number, column: number | null }} Cell positions; null: the whole row */

/** @param {Part["weights"]} weights */
function integers(weights) {
  if (typeof weights === "string") return new Uint16Array(fromBase64(weights));
  if (weights instanceof ArrayBuffer) return new Uint16Array(weights);
  return new Uint16Array(weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength));
}

/** The part that is shown. @param {Pick<State, "data" | "part" | "first">} state @returns {Attention} */
export function attentionOf({ data, part, first }) {
  const { shape: [L, H, T, S], rows, columns, cross, layers, heads, names, note, weights } = data.find(({ name }) => name === part) ?? data[0];
  return {
    L, H, T, S, cross, layers, heads, first, names, note,
    data: integers(weights), rowWords: rows.map(visible), columnWords: columns.map(visible),
  };
}

/**
 * The weights of a head over the words shown, renormalised.
 * @param {Attention} attention
 * @param {number} k the head, counted through all layers
 * @param {Pick<View, "rows" | "columns">} shown
 * @returns {Cells}
 */
export function cellsOf({ data, T, S }, k, { rows, columns }) {
  const weights = new Float32Array(rows.length * columns.length), masked = new Uint8Array(weights.length);
  let at = 0;
  for (const i of rows) {
    const start = (k * T + i) * S;
    let total = UNIT;
    if (columns.length < S) {
      total = 0;
      for (const j of columns) if (data[start + j] !== MASKED) total += data[start + j];
    }
    for (const j of columns) {
      if (data[start + j] === MASKED) masked[at++] = 1;
      else weights[at++] = total ? data[start + j] / total : 0;
    }
  }
  return { rows, columns, weights, masked };
}

/**
 * One weight of head k, renormalised; null if it is masked.
 * @param {Attention} attention
 * @param {number} k
 * @param {View} view
 * @param {number} from position of a row
 * @param {number} to position of a column
 */
export function linkWeight(attention, k, { columns }, from, to) {
  const { weights, masked } = cellsOf(attention, k, { rows: [from], columns }), c = columns.indexOf(to);
  return masked[c] ? null : weights[c];
}

/**
 * @param {Attention} attention
 * @param {Pick<State, "layer" | "head" | "hidden" | "scale" | "vmax">} state
 * @param {View} [last] kept where nothing in it has changed
 * @returns {View}
 */
export function viewOf(attention, state, last) {
  const layer = clamp(state.layer, 0, attention.L - 1), head = clamp(state.head, 0, attention.H - 1), { hidden, scale: kind, vmax } = state;
  if (last && last.layer === layer && last.head === head && last.hidden.join() === hidden.join() &&
    last.scale.kind === kind && last.vmax === vmax) return last;
  const gone = new Set(hidden);
  const rows = range(attention.T).filter(i => attention.cross || !gone.has(i));
  const columns = range(attention.S).filter(j => !gone.has(j));
  const cells = cellsOf(attention, layer * attention.H + head, { rows, columns });
  return { ...cells, layer, head, hidden: [...hidden], vmax, scale: { kind, top: topOf(vmax, cells.weights) } };
}

/** The weights of one row. @param {View} view @param {number} r its index */
export const rowOf = ({ weights, columns }, r) => weights.subarray(r * columns.length, (r + 1) * columns.length);

/** Whether a whole row is masked. @param {View} view @param {number} r its index */
export const isMasked = ({ masked, columns }, r) => columns.length > 0 && masked.subarray(r * columns.length, (r + 1) * columns.length).every(Boolean);
