// The vectors of the present station as strips of colour, and their scale.

import { paintStrip } from "../js/colours.js";
import { html } from "../js/dom.js";
import { clamp, range, two } from "../js/numbers.js";
import { stripsOf } from "./way.js";

/** @import { State, Strip } from "./way.js" */

const MOST = 4; // strips at a station
const RULES_UP_TO = 64; // numbers in a strip; above, rules between them would hide them

/** @param {State["colours"]} colours @param {ReturnType<typeof import("./way.js").wayOf>} way */
export function strips({ signed }, way) {
  const colourOf = (/** @type {number} */ x) => signed[Math.round(127 * (clamp(x, -1, 1) + 1))];
  const rows = range(MOST).map(() => stripRow(colourOf)), scale = colourScaleOf(signed);
  return {
    nodes: [html("div", { className: "nl-rows" }, ...rows.map(({ node }) => node)), scale.node],
    show(/** @type {State} */ state) {
      const shown = stripsOf(state, way);
      rows.forEach((row, k) => { row.show(shown[k], k > 0 && k === shown.length - 1); });
      scale.show(state);
    },
  };
}

/** @param {(x: number) => string} colourOf */
function stripRow(colourOf) {
  const name = html("div", { className: "nl-row-name" }), size = html("div", { className: "nl-row-size nl-quiet" });
  const canvas = html("canvas", { "aria-hidden": "true" }), strip = html("div", { className: "nl-row-strip", role: "img" }, canvas);
  const node = html("div", { className: "nl-row" }, name, strip, size);
  return {
    node,
    show(/** @type {Strip | undefined} */ shown, /** @type {boolean} */ isSum) {
      node.hidden = !shown;
      if (!shown) return;
      const count = shown.values.length;
      name.textContent = shown.name;
      size.textContent = shown.size;
      paintStrip(canvas, Array.from(shown.values, colourOf));
      strip.classList.toggle("nl-ruled", count <= RULES_UP_TO);
      strip.style.setProperty("--nl-cells", String(count));
      strip.setAttribute("aria-label", `${shown.name}: ${count} numbers, ${shown.size}`);
      node.classList.toggle("nl-sum", isSum);
    },
  };
}

/** @param {string[]} signed */
function colourScaleOf(signed) {
  const stops = range(17).map(k => signed[Math.round(254 * k / 16)]);
  const what = html("span"), low = html("span"), high = html("span"), colours = html("i");
  return {
    node: html("div", { className: "nl-legend" }, what, html("span", { className: "nl-scale" }, low, colours, high)),
    show(/** @type {State} */ { station: s, stations, largest, sizes: { blocks: L, channels: C, scores: S, vocabulary: V } }) {
      const isLast = s === stations.length - 1;
      const end = s <= L + 1 ? largest.shown : isLast ? largest.probabilities : largest.logits;
      low.textContent = isLast ? "0.00" : two(-end);
      high.textContent = two(end);
      colours.style.background = `linear-gradient(to right, ${isLast ? stops.slice(8) : stops})`;
      const words = S < V ? `of the first ${S} words` : "word", note = isLast ? "; the scale is that of the probabilities" : "";
      what.textContent = s <= L + 1 ? `One cell for each of the ${C} numbers. These stations share one scale; a number beyond its end has the colour of the end.`
        : `One cell for each ${words} of the vocabulary${note}.`;
    },
  };
}
