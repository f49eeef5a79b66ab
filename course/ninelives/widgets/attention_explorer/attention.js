// Which weights are shown.

import { clamp, range } from "../js/numbers.js";
import { topOf } from "./scale.js";

/** @import { Attention, Combine, Numbers, State } from "./part.js" */
/** @import { Scale } from "./scale.js" */

export const UNIT = 64000; // a weight of 1
export const MASKED = 65535;
const NOTHING_YET = new Uint16Array(); // of a map that is still on its way

/** @typedef {{ rows: number[], columns: number[], weights: Float32Array, masked: Uint8Array }} Cells both (rows, columns); a masked weight is 0; or signed values */

/**
 * One head without the hidden words. Positions count all words; indices count those shown. Each row sums to 1.
 * @typedef {Cells & { layer: number, head: number, combine: Combine, hidden: number[], scale: Scale, vmax: number | "head" }} View
 */

/** @typedef {{ row: number, column: number | null }} Cell positions; null: the whole row */

/**
 * The weights of a head over the words shown, renormalised; signed values stay as they are.
 * @param {Pick<Attention, "maps" | "S" | "kind">} attention
 * @param {number} k the head, counted through all layers, or what mapOf gives
 * @param {Pick<View, "rows" | "columns">} shown
 * @returns {Cells}
 */
export function cellsOf({ maps, S, kind }, k, { rows, columns }) {
  const data = maps.get(k) ?? NOTHING_YET, weights = new Float32Array(rows.length * columns.length), masked = new Uint8Array(weights.length);
  let at = 0;
  if (kind !== "weights") {
    for (const i of rows) for (const j of columns) {
      const value = data[i * S + j];
      if (Number.isNaN(value)) masked[at++] = 1;
      else weights[at++] = value;
    }
    return { rows, columns, weights, masked };
  }
  for (const i of rows) {
    const start = i * S;
    let total = UNIT;
    if (columns.length < S) {
      total = 0;
      for (const j of columns) if (data[start + j] !== MASKED) total += data[start + j];
    }
    for (const j of columns) {
      if (data[start + j] === MASKED) masked[at++] = 1;
      else weights[at++] = total && data[start + j] ? data[start + j] / total : 0;
    }
  }
  return { rows, columns, weights, masked };
}

/** A head of those that were sent in blocks. @param {Numbers} data @param {Attention["kind"]} kind @param {number} h @param {number} across @param {number} down @returns {Cells} */
export function blocksOf(data, kind, h, across, down) {
  const maps = new Map([[0, data.subarray(h * across * down, (h + 1) * across * down)]]);
  return cellsOf({ maps, S: across, kind }, 0, { rows: range(down), columns: range(across) });
}

/** Whether a cell of a map that is here is not masked. @param {Attention} attention @param {number} k @param {number} i @param {number} j positions */
export function isOpen({ maps, S, kind }, k, i, j) {
  const value = maps.get(k)?.[i * S + j] ?? NaN;
  return kind === "weights" ? value !== MASKED : !Number.isNaN(value);
}

/** Where a map is among all that are sent. @param {Attention} attention @param {Pick<View, "layer" | "head" | "combine">} view */
export const mapOf = ({ L, H }, { layer, head, combine }) =>
  ({ "": layer * H + head, layer: L * H + layer, model: L * H + L, rollout: L * H + L + 1 + layer })[combine];

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

/** The same of links that Python sent. @param {Numbers} links @param {Attention["kind"]} kind @param {number} k */
export function linkOf(links, kind, k) {
  if (kind !== "weights") return Number.isNaN(links[k]) ? null : links[k];
  return links[k] === MASKED ? null : links[k] / UNIT;
}

/**
 * @param {Attention} attention
 * @param {Pick<State, "layer" | "head" | "combine" | "hidden" | "scale" | "vmax">} state
 * @param {View} [last] kept where nothing in it has changed
 * @returns {View}
 */
export function viewOf(attention, state, last) {
  const layer = clamp(state.layer, 0, attention.L - 1), head = clamp(state.head, 0, attention.H - 1), { combine, hidden, scale: growth, vmax } = state;
  if (last && last.layer === layer && last.head === head && last.hidden.join() === hidden.join() &&
    last.combine === combine && last.scale.growth === growth && last.vmax === vmax) return last;
  const gone = new Set(hidden);
  const rows = range(attention.T).filter(i => attention.cross || !gone.has(i));
  const columns = range(attention.S).filter(j => !gone.has(j));
  const cells = cellsOf(attention, mapOf(attention, { layer, head, combine }), { rows, columns });
  return { ...cells, layer, head, combine, hidden: [...hidden], vmax, scale: { growth, top: topOf(vmax, cells.weights), isSigned: attention.kind !== "weights" } };
}

/** The weights of one row. @param {View} view @param {number} r its index */
export const rowOf = ({ weights, columns }, r) => weights.subarray(r * columns.length, (r + 1) * columns.length);

/**
 * The mean of some rows, those left out that are masked. A masked weight is 0; of signed values, the mean is of those that are
 * not masked, and NaN where there are none.
 * @param {View} view @param {number[]} rs their indices
 */
export function meanRow(view, rs) {
  const { masked, weights, columns: { length: C } } = view;
  if (view.scale.isSigned) {
    return new Float32Array(C).map((_, c) => {
      const open = rs.filter(r => !masked[r * C + c]);
      return open.reduce((sum, r) => sum + weights[r * C + c], 0) / open.length;
    });
  }
  if (rs.length === 1) return rowOf(view, rs[0]);
  const open = rs.filter(r => !isMasked(view, r)).map(r => rowOf(view, r));
  return new Float32Array(C).map((_, c) => open.reduce((sum, row) => sum + row[c], 0) / open.length);
}

/** Whether a whole row is masked. @param {View} view @param {number} r its index */
export const isMasked = ({ masked, columns }, r) => columns.length > 0 && masked.subarray(r * columns.length, (r + 1) * columns.length).every(Boolean);
