// The last word in words: what it attended to, and which other words were likely.

import { html } from "../js/dom.js";
import { headName, lastRow, shownWord, strongest } from "./translation.js";

/** @import { State } from "./translation.js" */

export function readout() {
  const node = html("p", { className: "nl-readout" });
  const candidates = html("div", { className: "nl-candidates", role: "list", "aria-label": "Most likely words" });
  return {
    nodes: [node, candidates],
    text: () => node.textContent ?? "",
    show(/** @type {State} */ state) {
      const row = lastRow(state), { step, french, view, heads: [, H] } = state;
      if (!row) {
        node.replaceChildren("No word is written yet.");
        candidates.replaceChildren();
        return;
      }
      node.replaceChildren(
        html("span", { className: "nl-where" }, `Word ${step} of ${french.length}`), html("strong", {}, shownWord(french[step - 1])),
        ` attends to ${strongest(state, row)} (${headName(H, view)}). Most likely here:`);
      candidates.replaceChildren(...state.likely[step - 1].flatMap(([word, p]) => [
        html("span", { role: "listitem" }, shownWord(word)),
        html("i", { "aria-hidden": "true", style: `width: ${100 * p}%` }),
        html("span", {}, p.toFixed(3)),
      ]));
    },
  };
}
