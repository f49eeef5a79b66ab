// What the training answered at the step that is read out.

import { html } from "../js/dom.js";
import { entryOf } from "./history.js";

/** @import { State } from "./history.js" */

export function samplesTable() {
  const node = html("table", { className: "nl-samples", "aria-label": "Samples" });
  const head = html("thead", {}, html("tr", {}, ...["Given", "Answer", "Wanted"].map(name => html("th", { scope: "col" }, name))));
  return {
    node,
    show(/** @type {State} */ state) {
      const samples = entryOf(state, state.name)?.samples ?? [];
      node.hidden = !samples.length;
      node.replaceChildren(head, html("tbody", {}, ...samples.map(([given, answer, wanted]) => {
        const isRight = answer === wanted;
        return html("tr", {}, html("td", {}, given), html("td", {}, answer),
          html("td", { className: isRight ? "nl-right" : "nl-wrong" }, isRight ? "✓ right" : `✗ ${wanted}`));
      })));
    },
  };
}
