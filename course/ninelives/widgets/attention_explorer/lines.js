// Lines from each word to the words that it attends to.

import { svg } from "../js/dom.js";
import { thinned } from "../js/labels.js";
import { range } from "../js/numbers.js";
import { rowOf } from "./attention.js";
import { strongest } from "./in_words.js";

/** @import { View } from "./attention.js" */
/** @import { Attention } from "./part.js" */
/** @import { Layout } from "./layout.js" */

const ALL_UP_TO = 32; // words; above, lines are drawn for the chosen row only
const CENTRAL = { "dominant-baseline": "central" };

/** @param {Attention} attention @param {(word: string, size: number) => { text: string }} fit */
export function lines(attention, fit) {
  const node = svg("svg", { role: "img", class: "nl-lines" });
  return {
    node,
    /** Show a view; -1 is no row, no column. @param {View} view @param {Layout} place @param {number} r @param {number} c */
    show(view, place, r, c) {
      const ends = endsOf(place);
      node.setAttribute("width", String(place.linesWidth));
      node.setAttribute("height", String(place.linesHeight));
      node.replaceChildren(
        ...headings(ends, place), ...curves(view, ends, place, r),
        ...wordsLeft(view, ends, place, r), ...wordsRight(view, ends, place, r, c));
    },
  };

  /** @param {View} view @param {Ends} ends @param {Layout} place @param {number} r */
  function wordsLeft({ rows }, { from, yFrom }, { size, fromPitch }, r) {
    return thinned(rows.length, fromPitch, size + 2, r < 0 ? [] : [r]).map(i =>
      svg("text", {
        ...CENTRAL, x: from - 6, y: yFrom(i), "font-size": size, "text-anchor": "end", "data-row": rows[i],
        class: `nl-word nl-reader${i === r ? " nl-on" : ""}`,
      }, fit(attention.rowWords[rows[i]], size).text));
  }

  /** @param {View} view @param {Ends} ends @param {Layout} place @param {number} r @param {number} c */
  function wordsRight(view, { to, yTo }, { size, toPitch, linesWidth }, r, c) {
    const { columns } = view, row = r < 0 ? new Float32Array() : rowOf(view, r), most = strongest(row);
    const hasWinner = most.length > 0 && row.filter(w => w.toFixed(2) === row[most[0]].toFixed(2)).length === 1;
    return thinned(columns.length, toPitch, size + 2, c < 0 ? most : [...most, c]).flatMap(j => {
      const isWeak = r >= 0 && !(row[j] >= 0.05) && j !== c, y = yTo(j);
      const word = svg("text", {
        ...CENTRAL, x: to + 6, y, "font-size": size,
        class: `nl-word${isWeak ? " nl-weak" : ""}${hasWinner && most[0] === j || c === j ? " nl-on" : ""}`,
      }, fit(attention.columnWords[columns[j]], size).text);
      if (r < 0 || isWeak) return [word];
      const look = { ...CENTRAL, "text-anchor": "end", "font-size": size, class: "nl-beside" };
      return [word, svg("text", { ...look, x: linesWidth - 2, y }, row[j].toFixed(2))];
    });
  }
}

/** @typedef {ReturnType<typeof endsOf>} Ends */

/** Where lines begin and end. @param {Layout} place */
function endsOf({ left, right, fromPitch, toPitch, linesTop, linesWidth }) {
  return {
    from: left, to: linesWidth - right - 48,
    yFrom: (/** @type {number} */ i) => linesTop + (i + 0.5) * fromPitch,
    yTo: (/** @type {number} */ j) => linesTop + (j + 0.5) * toPitch,
  };
}

/** @param {Ends} ends @param {Layout} place */
function headings({ from, to }, { linesTop }) {
  const look = { y: linesTop - 11, "font-size": 11, class: "nl-caption" };
  return [svg("text", { ...look, x: from - 6, "text-anchor": "end" }, "from"), svg("text", { ...look, x: to + 6 }, "to")];
}

/** @param {View} view @param {Ends} ends @param {Layout} place @param {number} r @returns {SVGElement[]} */
function curves(view, { from, to, yFrom, yTo }, { linesTop, linesHeight }, r) {
  const R = view.rows.length, middle = (from + to) / 2, isChosen = r >= 0;
  if (!isChosen && Math.max(R, view.columns.length) > ALL_UP_TO) {
    const look = { "text-anchor": "middle", "font-size": 12, class: "nl-caption" };
    return [svg("text", { ...look, x: middle, y: (linesTop + linesHeight) / 2 }, "Choose a word")];
  }
  const strength = isChosen ? 1 : 0.6, least = (isChosen ? 0.01 : 0.05) * view.scale.top;
  return (isChosen ? [r] : range(R)).flatMap(i => Array.from(rowOf(view, i), (w, j) => ({ i, j, w })))
    .filter(({ w }) => w >= least)
    .map(({ i, j, w }) => ({ i, j, share: Math.min(1, w / view.scale.top) }))
    .map(({ i, j, share }) => svg("path", {
      d: `M${from} ${yFrom(i)} C${middle} ${yFrom(i)} ${middle} ${yTo(j)} ${to} ${yTo(j)}`, class: "nl-line",
      "stroke-width": (0.8 + 5 * share * strength).toFixed(2),
      "stroke-opacity": (strength * (0.1 + 0.9 * Math.sqrt(share))).toFixed(3),
    }));
}
