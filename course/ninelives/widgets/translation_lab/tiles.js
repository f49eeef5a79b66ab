// The words of both languages, each with the weight that the last word gave it.

import { html } from "../js/dom.js";
import { visible } from "../js/labels.js";
import { lastRow, shownWord } from "./translation.js";

/** @import { State } from "./translation.js" */

/** @param {(step: number) => void} goTo */
export function tiles(goTo) {
  const english = html("div", { className: "nl-tiles", role: "list", "aria-label": "The sentence" });
  const french = html("div", { className: "nl-tiles", role: "group", "aria-label": "Its translation" });
  return {
    english, french,
    show(/** @type {State} */ state) {
      const row = lastRow(state), P = state.english.length, { step } = state;
      english.replaceChildren(...state.english.map((word, j) =>
        html("span", { className: "nl-word-bar", role: "listitem" }, ...content(visible(word), row ? row[j] : 0))));
      const { activeElement } = document, focused = activeElement ? [...french.children].indexOf(activeElement) : -1;
      const written = state.french.map((word, j) => {
        const tile = html("button", {
          type: "button", className: j < step ? "nl-word-bar" : "nl-word-bar nl-later", disabled: j >= step, onclick: () => goTo(j + 1),
        }, ...content(shownWord(word), row && j < step - 1 ? row[P + j] : null));
        tile.setAttribute("aria-current", String(j === step - 1));
        return tile;
      });
      french.replaceChildren(...written);
      written[focused]?.focus();
    },
  };
}

/** A bar, the word and the number. @param {string} word @param {number | null} weight */
function content(word, weight) {
  const bar = html("i");
  bar.style.setProperty("--nl-w", String(weight ?? 0));
  return [bar, html("b", {}, word), html("small", {}, weight === null ? "\u00a0" : weight.toFixed(2))];
}
