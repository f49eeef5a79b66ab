// Rows and cells are chosen by keys, clicks and pointing.

import { onKeys } from "../js/keys.js";

/** @import { View } from "./attention.js" */
/** @import { Layout } from "./layout.js" */
/** @import { Selection } from "./selection.js" */

/**
 * Choose by keys in the heatmap, and by pointer in heatmap and lines.
 * @param {Selection} selected
 * @param {() => View} view
 * @param {() => Layout} place
 * @param {{ node: HTMLElement, drawing: SVGElement }} heat
 * @param {SVGElement} lines
 * @param {() => void} clear
 * @param {(byKey: boolean) => void} explain says why the weight of the chosen cell is what it is
 */
export function chooseByHand(selected, view, place, heat, lines, clear, explain) {
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
    ...Object.fromEntries(Object.entries(moves).map(([key, move]) => [key, (/** @type {KeyboardEvent} */ event) => {
      if (isEmpty()) return;
      const { r, c } = selected.chosen(), [row, column] = move(r, c);
      if (event.shiftKey && column === c) selected.extendTo(row);
      else selected.choose(row, column);
    }])),
    " ": () => { if (selected.chosen().r >= 0) selected.addOrRemove(selected.chosen().r); },
    Enter: () => { if (selected.chosen().c >= 0) explain(true); },
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
  heat.node.addEventListener("click", event => {
    selected.click(cellAt(event), event, clear);
    if (selected.chosen().c >= 0 && !event.shiftKey && !event.ctrlKey && !event.metaKey) explain(false);
  });
  lines.addEventListener("pointerover", event => selected.pointAt(wordAt(event)));
  lines.addEventListener("pointerleave", () => selected.pointAt(null));
  lines.addEventListener("click", event => selected.click(wordAt(event), event, clear));
}
