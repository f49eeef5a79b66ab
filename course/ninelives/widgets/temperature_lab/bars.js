// The table of the likeliest words with their bars.

import { html } from "../js/dom.js";
import { truncated } from "../js/labels.js";
import { clamp, range, two } from "../js/numbers.js";
import { MOST_ROWS } from "./rows.js";

/** @import { Row } from "./rows.js" */

const MOST_CHARACTERS = 18;

/** @param {number} V */
export function barTable(V) {
  const bars = range(Math.min(V, MOST_ROWS + 1)).map(barRow);
  const head = (/** @type {string} */ name) => html("th", { scope: "col" }, name), tried = head("");
  const node = html("table", { className: "nl-next", "aria-label": "Probabilities of the next word" },
    html("thead", {},
      html("tr", {}, head("Next word"), html("th", { "aria-hidden": "true" }), head("Probability"), tried)),
    html("tbody", {}, ...bars.map(({ node }) => node)));
  return {
    node,
    /** @param {Row[]} rows @param {boolean} isStale */
    show(rows, isStale) {
      const total = rows.reduce((sum, row) => sum + row.tried, 0);
      rows.forEach((row, k) => { bars[k].show(row, total); });
      tried.replaceChildren(total ? `of ${total} tries` : html("span", { className: "nl-unseen" }, "Tries"));
      node.classList.toggle("nl-stale", isStale);
      node.classList.toggle("nl-tried", total > 0);
    },
  };
}

function barRow() {
  const word = html("th", { scope: "row" }), bar = html("i"), mark = html("b"), dot = html("s"), theirs = html("u");
  const amount = html("td", { className: "nl-amount" }), seen = html("td", { className: "nl-seen" });
  const track = html("div", { className: "nl-odds" }, bar, mark, dot, theirs);
  const node = html("tr", {}, word, html("td", { "aria-hidden": "true" }, track), amount, seen);
  return {
    node,
    /** @param {Row} row @param {number} total of the tries */
    show({ name, chance, unscaled, tried, yours, className }, total) {
      word.textContent = truncated(name, MOST_CHARACTERS);
      bar.style.width = `${100 * chance}%`;
      mark.style.left = `${100 * unscaled}%`;
      dot.style.left = `${100 * tried / (total || 1)}%`;
      dot.hidden = !tried;
      theirs.style.left = `${100 * clamp(yours || 0, 0, 1)}%`; // NaN stands at 0
      theirs.hidden = yours === null;
      amount.textContent = chance.toFixed(3);
      seen.replaceChildren(total ? String(tried) : "", html("span", {}, tried ? `, that is ${two(tried / total)}` : ""));
      node.className = className;
    },
  };
}
