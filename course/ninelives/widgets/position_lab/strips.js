// The vector of the picked word and its parts, as strips of colour.

import { numberOn, paintStrip } from "../js/colours.js";
import { html } from "../js/dom.js";
import { range, two } from "../js/numbers.js";
import { norm, stripsOf } from "./vectors.js";

/** @import { State, Vectors } from "./vectors.js" */

const NUMBERS_UP_TO = 16; // channels
const NUMBER_WIDTH = 42; // px; narrower cells hold no number
const RULES_UP_TO = 64; // channels
const KINDS = ["word", "position", "sum", "before"];

/** @param {number} C channels @param {Vectors} vectors @param {(x: number) => string} colourOf */
export function strips(C, vectors, colourOf) {
  const rows = KINDS.map(kind => stripRow(C, kind, colourOf));
  return {
    node: html("div", { className: "nl-strips" }, ...rows.map(({ node }) => node)),
    show(/** @type {State} */ state) {
      stripsOf(state, vectors).forEach((strip, k) => { rows[k].show(strip); });
    },
  };
}

/** @param {number} C @param {string} kind @param {(x: number) => string} colourOf */
function stripRow(C, kind, colourOf) {
  const name = html("div", { className: "nl-strip-name" }), size = html("div", { className: "nl-strip-length nl-quiet" });
  const canvas = html("canvas", { "aria-hidden": "true" }), cells = range(C <= RULES_UP_TO ? C : 0).map(() => html("span"));
  const over = html("div", { className: "nl-strip-cells", "aria-hidden": "true" }, ...cells);
  over.style.gridTemplateColumns = `repeat(${C}, 1fr)`;
  const strip = html("div", { className: "nl-strip", role: "img" }, canvas, over);
  const node = html("div", { className: `nl-strip-row nl-strip-${kind}` }, name, strip, size);
  let width = 0;
  return {
    node,
    show(/** @type {ReturnType<typeof stripsOf>[number]} */ { title, values, isOff }) {
      const numbers = Array.from(values, two), length = `length ${two(norm(values))}`;
      name.textContent = title;
      size.textContent = kind === "position" && isOff ? "not added" : length;
      node.classList.toggle("nl-off", isOff);
      node.setAttribute("aria-hidden", String(isOff));
      strip.setAttribute("aria-label", `${title}: ${length}${C <= NUMBERS_UP_TO ? `, numbers ${numbers.join(", ")}` : ""}`);
      paintStrip(canvas, Array.from(values, colourOf));
      width = strip.clientWidth || width; // 0 in a frame for which JupyterLab has hidden the cell
      const isRoomy = kind !== "before" && !isOff && C <= NUMBERS_UP_TO && width >= NUMBER_WIDTH * C;
      cells.forEach((cell, c) => {
        cell.textContent = isRoomy ? numbers[c] : "";
        cell.className = numberOn(colourOf(values[c]));
      });
    },
  };
}
