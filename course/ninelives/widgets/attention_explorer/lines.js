// Lines from each word to the words that it attends to.

import { svg } from "../js/dom.js";
import { fitted, thinned } from "../js/labels.js";
import { range } from "../js/numbers.js";
import { meanRow, rowOf } from "./attention.js";
import { standsOut, strongest } from "./in_words.js";
import { printed } from "./signed.js";

/** @import { View } from "./attention.js" */
/** @import { Attention } from "./part.js" */
/** @import { Layout } from "./layout.js" */
/** @import { Active } from "./selection.js" */

const ALL_UP_TO = 32; // words; above, lines are drawn for the chosen row only
const FROM_LEAST = 34; // the heading "from" may be wider than all words
const CENTRAL = { "dominant-baseline": "central" };

/** @param {Attention} attention @param {(word: string, size: number) => { text: string }} fit */
export function lines(attention, fit) {
  const node = svg("svg", { role: "img", class: "nl-lines" });
  return {
    node,
    /** @param {View} view @param {Layout} place @param {Active} active */
    show(view, place, { rs, c }) {
      const ends = endsOf(place);
      node.setAttribute("width", String(place.linesWidth));
      node.setAttribute("height", String(place.linesHeight));
      node.replaceChildren(
        ...headings(ends, place), ...curves(view, ends, place, rs, attention.item),
        ...wordsLeft(view, ends, place, rs), ...wordsRight(view, ends, place, rs, c));
    },
  };

  /** @param {View} view @param {Ends} ends @param {Layout} place @param {number[]} rs */
  function wordsLeft({ rows }, { from, yFrom }, { size, fromPitch }, rs) {
    return thinned(rows.length, fromPitch, size + 2, rs).map(i =>
      svg("text", {
        ...CENTRAL, x: from - 6, y: yFrom(i), "font-size": size, "text-anchor": "end", "data-row": rows[i],
        class: `nl-word nl-reader${rs.includes(i) ? " nl-on" : ""}`,
      }, ...fitted(fit, attention.rowWords[rows[i]], size)));
  }

  /** @param {View} view @param {Ends} ends @param {Layout} place @param {number[]} rs @param {number} c */
  function wordsRight(view, { to, yTo }, { size, toPitch, linesWidth }, rs, c) {
    const { columns } = view, row = rs.length ? meanRow(view, rs) : new Float32Array(), most = strongest(row, attention.kind);
    const best = attention.kind === "weights" || attention.kind === "difference" ? most[0] : highest(row); // as the sentence names it
    const hasWinner = most.length > 0 && row.filter(w => w.toFixed(2) === row[best].toFixed(2)).length === 1;
    return thinned(columns.length, toPitch, size + 2, c < 0 ? most : [...most, c]).flatMap(j => {
      const isWeak = rs.length > 0 && !standsOut(row[j], attention.kind) && j !== c, y = yTo(j);
      const word = svg("text", {
        ...CENTRAL, x: to + 6, y, "font-size": size,
        class: `nl-word${isWeak ? " nl-weak" : ""}${hasWinner && best === j || c === j ? " nl-on" : ""}`,
      }, ...fitted(fit, attention.columnWords[columns[j]], size));
      if (!rs.length || isWeak) return [word];
      const look = { ...CENTRAL, "text-anchor": "end", "font-size": size, class: "nl-beside" };
      return [word, svg("text", { ...look, x: linesWidth - 2, y }, printed(row[j], attention))];
    });
  }
}

/** Where a row is highest; NaN is masked. @param {Float32Array} row */
const highest = row => range(row.length).filter(j => !Number.isNaN(row[j])).sort((a, b) => row[b] - row[a])[0];

/** @typedef {ReturnType<typeof endsOf>} Ends */

/** Where lines begin and end. @param {Layout} place */
function endsOf({ left, right, fromPitch, toPitch, linesTop, linesWidth }) {
  return {
    from: Math.max(left, FROM_LEAST), to: linesWidth - right - 48,
    yFrom: (/** @type {number} */ i) => linesTop + (i + 0.5) * fromPitch,
    yTo: (/** @type {number} */ j) => linesTop + (j + 0.5) * toPitch,
  };
}

/** @param {Ends} ends @param {Layout} place */
function headings({ from, to }, { linesTop }) {
  const look = { y: linesTop - 11, "font-size": 11, class: "nl-caption" };
  return [svg("text", { ...look, x: from - 6, "text-anchor": "end" }, "from"), svg("text", { ...look, x: to + 6 }, "to")];
}

/** @param {View} view @param {Ends} ends @param {Layout} place @param {number[]} rs @param {string} item @returns {SVGElement[]} */
function curves(view, { from, to, yFrom, yTo }, { linesTop, linesHeight }, rs, item) {
  const R = view.rows.length, middle = (from + to) / 2, isChosen = rs.length > 0;
  if (!isChosen && Math.max(R, view.columns.length) > ALL_UP_TO) {
    const look = { "text-anchor": "middle", "font-size": 12, class: "nl-caption" };
    return [svg("text", { ...look, x: middle, y: (linesTop + linesHeight) / 2 }, `Choose a ${item}`)];
  }
  const strength = isChosen ? 1 : 0.6, least = (isChosen ? 0.01 : 0.05) * view.scale.top;
  return (isChosen ? rs : range(R)).flatMap(i => Array.from(rowOf(view, i), (w, j) => ({ i, j, w })))
    .filter(({ w }) => Math.abs(w) >= least)
    .map(({ i, j, w }) => ({ i, j, isLess: w < 0, share: Math.min(1, Math.abs(w) / view.scale.top) }))
    .map(({ i, j, isLess, share }) => svg("path", {
      d: `M${from} ${yFrom(i)} C${middle} ${yFrom(i)} ${middle} ${yTo(j)} ${to} ${yTo(j)}`, class: isLess ? "nl-line nl-less" : "nl-line",
      "stroke-width": (0.8 + 5 * share * strength).toFixed(2),
      "stroke-opacity": (strength * (0.1 + 0.9 * Math.sqrt(share))).toFixed(3),
    }));
}
