// The softmax of the chosen row, with and without the mask.

import { html } from "../js/dom.js";
import { decimals, range } from "../js/numbers.js";
import { chosen, labelAt, openTo, softmax } from "./masks.js";

/** @import { State } from "./masks.js" */

export function softmaxTable() {
  const body = html("tbody");
  const heads = ["Word", "Score (invented)", "Softmax without mask", "With mask"].map((name, k) =>
    html("th", { scope: "col", className: k === 1 ? "nl-right" : "" }, name));
  const node = html("table", { className: "nl-softmax", "aria-label": "Softmax of the chosen row" },
    html("thead", {}, html("tr", {}, ...heads)),
    body);
  return {
    node,
    show(/** @type {State} */ state) {
      const [b, i] = chosen(state), scores = state.scores[i], open = openTo(state, b, i);
      const before = softmax(scores, range(scores.length)), after = softmax(scores, open);
      body.replaceChildren(...scores.map((score, j) =>
        html("tr", { className: open.includes(j) ? "" : "nl-shut" },
          html("th", { scope: "row" }, labelAt(state, b, j)),
          html("td", { className: "nl-right" }, decimals(score, 1)),
          html("td", { className: "nl-without" }, share(before[j])),
          html("td", {}, share(after[j])))));
    },
  };
}

/** A weight as a number and a bar. @param {number} weight */
function share(weight) {
  if (Number.isNaN(weight)) return html("div", { className: "nl-share" }, html("b", {}, "NaN"));
  const bar = html("i", { style: `width: ${100 * weight}%` });
  return html("div", { className: "nl-share" }, weight.toFixed(2), bar);
}
