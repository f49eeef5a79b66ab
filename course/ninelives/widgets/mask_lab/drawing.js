// One mask as a drawing.

import { svg } from "../js/dom.js";
import { ruler, truncated } from "../js/labels.js";
import { clamp, range } from "../js/numbers.js";
import { chosen, differs, isWord, labelAt, openTo, sizes } from "./masks.js";

/** @import { State } from "./masks.js" */

const ANGLE = 55 * Math.PI / 180; // of the column labels
const LABEL_MAX = 96; // px
const MOST_CHARACTERS = 14;

/**
 * Where everything is in a drawing, in px. All masks of a batch have the same.
 * @param {State} state
 */
export function layout(state) {
  const { N, P } = sizes(state), size = N > 16 ? 11 : 12.5, cell = clamp(Math.floor(200 / N), 13, 26), plot = cell * N;
  const widthOf = ruler(`600 ${size}px "DejaVu Sans", sans-serif`);
  const widest = Math.min(LABEL_MAX, Math.max(...[...state.words, ...state.prefix, ["pad"]].flat().map(widthOf)));
  const left = widest + 10, top = widest * Math.sin(ANGLE) + size;
  const overhang = Math.max(34, widest * Math.cos(ANGLE) + 6);
  return { N, P, size, cell, plot, left, top, width: left + plot + overhang, height: top + plot + 4 };
}

/**
 * The parts of the drawing of mask b.
 * @param {State} state
 * @param {number} b
 * @param {ReturnType<typeof layout>} place
 */
export function maskParts(state, b, place) {
  const { N, P, cell, plot, left, top } = place, [sentence, row] = chosen(state);
  const open = range(N).map(i => openTo(state, b, i));
  const squares = (/** @type {(i: number, j: number) => boolean} */ test, inset = 0) =>
    range(N).flatMap(i => range(N).filter(j => test(i, j)).map(j => square(place, i, j, inset))).join("");
  const cross = (/** @type {number} */ k) => `M${left + k * cell} ${top}v${plot}M${left} ${top + k * cell}h${plot}`;
  /** @type {SVGElement[]} */
  const parts = [
    svg("rect", { x: left, y: top, width: plot, height: plot, class: "nl-closed" }),
    svg("path", { d: squares((i, j) => open[i].includes(j)), class: "nl-open" }),
    svg("path", { d: range(N - 1).map(k => cross(k + 1)).join(""), class: "nl-rules" }),
    svg("path", { d: squares((i, j) => differs(state, b, i, j), 0.32 * cell), class: "nl-differs" }),
  ];
  if (P) parts.push(svg("path", { d: cross(P), class: "nl-border" }));
  for (const i of range(N)) parts.push(...rowParts(state, b, i, place, b === sentence && i === row, open[i].length === 0));
  return parts;
}

/** @param {ReturnType<typeof layout>} place @param {number} i @param {number} j @param {number} inset */
const square = ({ left, top, cell }, i, j, inset) =>
  `M${left + j * cell + inset} ${top + i * cell + inset}h${cell - 2 * inset}v${cell - 2 * inset}h${2 * inset - cell}z`;

/**
 * The labels of position i, as a row and as a column, and what marks its row.
 * @param {State} state
 * @param {number} b
 * @param {number} i
 * @param {ReturnType<typeof layout>} place
 * @param {boolean} isChosen
 * @param {boolean} isEmpty
 */
function rowParts(state, b, i, { size, cell, plot, left, top }, isChosen, isEmpty) {
  const y = top + (i + 0.5) * cell, x = left + (i + 0.5) * cell, word = truncated(labelAt(state, b, i), MOST_CHARACTERS);
  const style = isWord(state, b, i) ? "nl-word" : "nl-word nl-weak";
  const central = { y, "dominant-baseline": "central" };
  const turned = `translate(${x + 2} ${top - 6}) rotate(${-ANGLE * 180 / Math.PI})`;
  /** @type {SVGElement[]} */
  const parts = [
    svg("text", {
      ...central, x: left - 7, "font-size": size, "text-anchor": "end", class: isChosen ? `${style} nl-on` : style,
    }, word),
    svg("text", { transform: turned, "font-size": size, class: style }, word),
  ];
  if (isEmpty) parts.push(svg("text", { ...central, x: left + plot + 6, "font-size": size - 1, class: "nl-empty" }, "NaN"));
  if (isChosen) parts.push(svg("rect", {
    x: left - 1, y: top + i * cell - 1, width: plot + 2, height: cell + 2, rx: 2, class: "nl-chosen",
  }));
  return parts;
}
