// Which rows and which cell are chosen or pointed at.

import { assign } from "../js/lifecycle.js";
import { range } from "../js/numbers.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { Cell, View } from "./attention.js" */
/** @import { State } from "./part.js" */

/**
 * What is read: `rs` are the rows whose mean it is, `r` and `c` the row and the column that are pointed at or else chosen,
 * all as indices, -1 for none. `isTogether`: several words are chosen, and `r` may be another one.
 * @typedef {{ rs: number[], r: number, c: number, isTogether: boolean }} Active
 */

/**
 * The chosen row is the trait `token`, the rows whose mean is shown instead are `together`; the column is known to this
 * browser only. Cells are given as positions of words.
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
    /** @returns {Active} */
    active() {
      const cell = hover ?? { row: model.get("token"), column }, { rows, columns } = view();
      const r = rows.indexOf(cell.row ?? -1), c = columns.indexOf(cell.column ?? -1);
      const together = hover ? [] : model.get("together").map(i => rows.indexOf(i)).filter(k => k >= 0);
      return { r, c, isTogether: together.length > 0, rs: together.length ? together : r < 0 ? [] : [r] };
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
    /** Go to row r, and choose it together with those up to it. @param {number} r */
    extendTo(r) {
      const { rows } = view(), from = Math.max(0, this.chosen().r < 0 ? r : this.chosen().r);
      const through = range(Math.abs(r - from) + 1).map(k => rows[Math.min(r, from) + k]);
      choose([...model.get("together"), ...through], rows[r]);
    },
    /** Go to row r, and take it to those that are chosen, or out of them. @param {number} r @param {boolean} [alsoLast] with the row chosen until now */
    addOrRemove(r, alsoLast = false) {
      const row = view().rows[r], token = model.get("token"), before = model.get("together");
      const all = alsoLast && !before.length && token !== null && token !== row ? [token] : before;
      choose(all.includes(row) ? all.filter(i => i !== row) : [...all, row], row);
    },
    /** @param {number} to position, -1 for none */
    chooseColumn(to) {
      column = to < 0 ? null : to;
    },
    clear() {
      hover = null;
      column = null;
      assign(model, { token: null, ...(model.get("together").length ? { together: [] } : {}) });
      redraw();
    },
    /** @param {Cell | null} cell */
    pointAt(cell) {
      if (cell?.row === hover?.row && cell?.column === hover?.column) return;
      hover = cell;
      redraw();
    },
    /**
     * Choose a cell alone, or clear it if it was chosen; with Shift or Ctrl, take its row to those that are chosen.
     * @param {Cell | null} cell @param {MouseEvent} event @param {() => void} cleared
     */
    click(cell, event, cleared) {
      if (!cell) return;
      const r = view().rows.indexOf(cell.row), several = model.get("together").length > 0;
      if (event.shiftKey) this.extendTo(r);
      else if (event.ctrlKey || event.metaKey) this.addOrRemove(r, true);
      else if (!several && model.get("token") === cell.row && column === cell.column) cleared();
      else {
        if (several) assign(model, { together: [] });
        this.choose(r, view().columns.indexOf(cell.column ?? -1));
      }
    },
  };

  /** @param {number[]} together @param {number} token positions */
  function choose(together, token) {
    hover = null;
    assign(model, { together: [...new Set(together)].sort((a, b) => a - b), token });
    redraw();
  }
}

/** @typedef {ReturnType<typeof selection>} Selection */
