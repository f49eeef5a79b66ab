// Which row and cell are chosen, by keys, clicks and pointing.

import { onKeys } from "../js/keys.js";
import { assign } from "../js/lifecycle.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { Cell, View } from "./attention.js" */
/** @import { State } from "./part.js" */
/** @import { Layout } from "./layout.js" */

/**
 * The chosen row is the trait `token`; the rest is known to this browser only. Cells are given as positions of words.
 * @param {Model<State>} model
 * @param {() => View} view
 * @param {() => void} redraw
 */
export function selection(model, view, redraw) {
  /** @type {number | null} */
  let column = null;
  /** @type {Cell | null} */
  let hover = null;
  return {
    /** The link whose heads are ranked. @type {{ from: number, to: number } | null} */
    link: null,
    column: () => column,
    /** Index of the row and of the column that are pointed at or else chosen, -1 for none. */
    active() {
      const cell = hover ?? { row: model.get("token"), column };
      return { r: view().rows.indexOf(cell.row ?? -1), c: view().columns.indexOf(cell.column ?? -1) };
    },
    /** Index of the chosen row and column, -1 for none. */
    chosen: () => ({ r: view().rows.indexOf(model.get("token") ?? -1), c: view().columns.indexOf(column ?? -1) }),
    /** @param {number} r @param {number} c -1: the whole row */
    choose(r, c) {
      const { rows, columns } = view();
      hover = null;
      column = c < 0 ? null : columns[c];
      if (c >= 0) this.link = { from: rows[r], to: columns[c] };
      if (model.get("token") !== rows[r]) assign(model, { token: rows[r] });
      redraw();
    },
    /** @param {number} row @param {number} to */
    chooseLink(row, to) {
      column = to;
      assign(model, { token: row });
    },
    clear() {
      hover = null;
      column = null;
      assign(model, { token: null });
      redraw();
    },
    /** @param {Cell | null} cell */
    pointAt(cell) {
      if (cell?.row === hover?.row && cell?.column === hover?.column) return;
      hover = cell;
      redraw();
    },
    /** Choose a cell, or clear it if it was chosen. @param {Cell | null} cell @param {() => void} cleared */
    toggle(cell, cleared) {
      if (!cell) return;
      if (model.get("token") === cell.row && column === cell.column) cleared();
      else this.choose(view().rows.indexOf(cell.row), view().columns.indexOf(cell.column ?? -1));
    },
  };
}

/** @typedef {ReturnType<typeof selection>} Selection */

/**
 * Choose by keys in the heatmap, and by pointer in heatmap and lines.
 * @param {Selection} selected
 * @param {() => View} view
 * @param {() => Layout} place
 * @param {{ node: HTMLElement, drawing: SVGElement }} heat
 * @param {SVGElement} lines
 * @param {() => void} clear
 */
export function chooseByHand(selected, view, place, heat, lines, clear) {
  const last = () => ({ R: view().rows.length - 1, C: view().columns.length - 1 });
  /** @type {Record<string, (r: number, c: number) => [number, number]>} */
  const moves = {
    ArrowDown: (r, c) => [r < 0 ? 0 : Math.min(last().R, r + 1), c],
    ArrowUp: (r, c) => [r < 0 ? last().R : Math.max(0, r - 1), c],
    ArrowRight: (r, c) => [Math.max(r, 0), c < 0 ? 0 : Math.min(last().C, c + 1)],
    ArrowLeft: (r, c) => [Math.max(r, 0), c < 0 ? last().C : Math.max(0, c - 1)],
    Home: (_r, c) => [0, c],
    End: (_r, c) => [last().R, c],
  };
  const isEmpty = () => last().R < 0 || last().C < 0;
  onKeys(heat.node, {
    ...Object.fromEntries(Object.entries(moves).map(([key, move]) => [key, () => {
      if (isEmpty()) return;
      const { r, c } = selected.chosen();
      selected.choose(...move(r, c));
    }])),
    Escape: () => { if (!isEmpty()) clear(); },
  });

  const cellAt = (/** @type {MouseEvent} */ event) => {
    const box = heat.drawing.getBoundingClientRect(), { left, top, cw, ch } = place(), { rows, columns } = view();
    const r = Math.floor((event.clientY - box.top - top) / ch), c = Math.floor((event.clientX - box.left - left) / cw);
    if (r < 0 || r >= rows.length || c >= columns.length || event.clientX < box.left) return null;
    return { row: rows[r], column: c < 0 ? null : columns[c] }; // to the left of the cells is the row's word
  };
  const wordAt = (/** @type {Event} */ event) => {
    const row = event.target instanceof Element ? event.target.getAttribute("data-row") : null;
    return row === null ? null : { row: Number(row), column: null };
  };
  heat.node.addEventListener("pointermove", event => selected.pointAt(cellAt(event)));
  heat.node.addEventListener("pointerleave", () => selected.pointAt(null));
  heat.node.addEventListener("click", event => selected.toggle(cellAt(event), clear));
  lines.addEventListener("pointerover", event => selected.pointAt(wordAt(event)));
  lines.addEventListener("pointerleave", () => selected.pointAt(null));
  lines.addEventListener("click", event => selected.toggle(wordAt(event), clear));
}
