// The heatmap of the present head.

import { numberOn } from "../js/colours.js";
import { html, svg } from "../js/dom.js";
import { fitted, thinned } from "../js/labels.js";
import { STANDING } from "./layout.js";
import { isPrinted, printed } from "./signed.js";

/** @import { View } from "./attention.js" */
/** @import { Attention } from "./part.js" */
/** @import { Layout } from "./layout.js" */
/** @import { Shades } from "./pixels.js" */
/** @import { Active } from "./selection.js" */

const ROOM_FOR_SIGN = 36; // px, of a cell whose number may have a sign

/**
 * @param {Attention} attention
 * @param {Shades} shades
 * @param {(word: string, size: number) => { text: string }} fit
 */
export function heatmap(attention, shades, fit) {
  const canvas = html("canvas", { "aria-hidden": "true" }), drawing = svg("svg", { "aria-hidden": "true" });
  const node = html("div", {
    className: "nl-heat", tabIndex: 0, role: "application", "aria-roledescription": "heatmap",
  }, canvas, drawing);
  /** @type {unknown[]} */
  let painted = [];

  function paint(/** @type {View} */ view, /** @type {Layout} */ place) {
    const now = [view, place, devicePixelRatio];
    if (now.every((part, k) => part === painted[k])) return;
    painted = now;
    const { left, top, plotWidth, plotHeight } = place, ratio = devicePixelRatio || 1;
    const across = Math.min(view.columns.length, Math.ceil(plotWidth * ratio));
    const down = Math.min(view.rows.length, Math.ceil(plotHeight * ratio));
    shades.paint(canvas, view, view.scale, across, down);
    Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${plotWidth}px`, height: `${plotHeight}px` });
  }

  return {
    node, drawing,
    /** @param {View} view @param {Layout} place @param {Active} active */
    show(view, place, { rs, r, c }) {
      const { left, top, cw, ch, heatWidth, heatHeight, plotWidth, plotHeight } = place;
      paint(view, place);
      drawing.setAttribute("width", String(heatWidth));
      drawing.setAttribute("height", String(heatHeight));
      const parts = [
        svg("rect", { x: left - 0.5, y: top - 0.5, width: plotWidth + 1, height: plotHeight + 1, class: "nl-frame" }),
        ...rowLabels(view, place, rs, r), ...columnLabels(view, place, c), ...numbers(view, place),
      ];
      const around = (/** @type {number} */ i, /** @type {string} */ look) => parts.push(svg("rect", {
        x: left - 1, y: top + i * ch - 1, width: plotWidth + 2, height: Math.max(ch, 2) + 2, rx: 2, class: look,
      }));
      for (const i of rs) around(i, "nl-chosen");
      if (r >= 0 && !rs.includes(r)) around(r, "nl-chosen nl-cursor");
      if (r >= 0 && c >= 0) parts.push(svg("rect", {
        x: left + c * cw, y: top + r * ch, width: Math.max(cw, 3), height: Math.max(ch, 3), class: "nl-chosen nl-chosen-cell",
      }));
      drawing.replaceChildren(...parts);
    },
  };

  /** @param {View} view @param {Layout} place @param {number[]} rs @param {number} r @returns {SVGElement[]} */
  function rowLabels({ rows }, { size, left, top, ch }, rs, r) {
    return thinned(rows.length, ch, size + 2, r < 0 ? rs : [r, ...rs]).map(i =>
      svg("text", {
        x: left - 7, y: top + (i + 0.5) * ch, "font-size": size, "text-anchor": "end", "dominant-baseline": "central",
        class: rs.includes(i) ? "nl-word nl-on" : "nl-word",
      }, ...fitted(fit, attention.rowWords[rows[i]], size)));
  }

  /** @param {View} view @param {Layout} place @param {number} c */
  function columnLabels({ columns }, { size, isUpright, angle, left, top, cw }, c) {
    const need = isUpright ? 1 : (size + 1) / Math.sin(angle), y = top - 6, beside = angle === STANDING ? size / 3 : 2;
    return thinned(columns.length, cw, need, c < 0 ? [] : [c]).map(j => {
      const x = left + (j + 0.5) * cw;
      /** @type {Record<string, string | number>} */
      const where = isUpright ? { x, y, "text-anchor": "middle" }
        : { transform: `translate(${x + beside} ${y}) rotate(${-angle * 180 / Math.PI})` };
      return svg("text", { ...where, "font-size": size, class: j === c ? "nl-word nl-on" : "nl-word" },
        ...fitted(fit, attention.columnWords[columns[j]], size));
    });
  }

  /** @param {View} view @param {Layout} place */
  function numbers({ rows, columns, weights, masked, scale }, { left, top, cw, ch, hasNumbers }) {
    /** @type {SVGElement[]} */
    const parts = [];
    if (!hasNumbers) return parts;
    const size = scale.isSigned && cw < ROOM_FOR_SIGN ? 9 : 10.5;
    for (let i = 0, k = 0; i < rows.length; i++) for (let j = 0; j < columns.length; j++, k++) {
      if (masked[k] || !isPrinted(weights[k], attention.kind)) continue;
      parts.push(svg("text", {
        x: left + (j + 0.5) * cw, y: top + (i + 0.5) * ch,
        "font-size": size, "text-anchor": "middle", "dominant-baseline": "central",
        class: `nl-cell ${numberOn(shades.hex(scale, weights[k]))}`,
      }, printed(weights[k], attention)));
    }
    return parts;
  }
}
