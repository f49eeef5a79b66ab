// The prompt and the words drawn after it.

import { html } from "../js/dom.js";
import { two } from "../js/numbers.js";
import { hasEnded } from "./scores.js";

/** @import { State } from "./state.js" */

export function textSoFar() {
  const node = html("div", { className: "nl-written", role: "group", "aria-label": "The text so far" });
  return {
    node,
    show(/** @type {State} */ state) {
      const { vocabulary, prompt, drawn, chances } = state;
      node.replaceChildren(
        ...prompt.map(word => html("span", { className: "nl-given" }, word)),
        ...drawn.map((word, k) => newWord(vocabulary[word], chances[k])),
        html("span", { className: "nl-gap", "aria-hidden": "true" }, hasEnded(state) ? "" : "…"));
    },
  };
}

/** @param {string} word @param {number | undefined} chance that it had, where it is known */
function newWord(word, chance) {
  const title = chance === undefined ? "" : `had the probability ${chance.toFixed(3)}`;
  const shown = chance === undefined ? "" : chance < 0.005 ? "<0.01" : two(chance);
  return html("span", { className: "nl-new-word", title }, html("span", {}, word), html("small", {}, shown));
}
