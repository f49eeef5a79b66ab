// The likely words at the present station, as bars.

import { html } from "../js/dom.js";
import { visible } from "../js/labels.js";
import { clamp, two } from "../js/numbers.js";
import { heading, likelyWords } from "./in_words.js";

/** @import { State } from "./way.js" */

export function likelyTable() {
  const title = html("p", { className: "nl-heading" }), table = html("table", { className: "nl-likely" });
  return {
    nodes: [title, table],
    show(/** @type {State} */ state) {
      const words = likelyWords(state, state.station), isLogits = state.station === state.sizes.blocks + 2;
      const most = Math.max(1e-9, isLogits ? words[0][1] : 1);
      title.textContent = heading(state);
      table.setAttribute("aria-label", heading(state));
      table.replaceChildren(html("tbody", {}, ...words.map(([word, value]) => {
        const bar = html("i", { style: `width: ${100 * clamp(value / most, 0, 1)}%` });
        return html("tr", {}, html("th", { scope: "row" }, visible(word)), html("td", { className: "nl-amount" }, two(value)),
          html("td", { className: "nl-long", "aria-hidden": "true" }, bar));
      })));
    },
  };
}
