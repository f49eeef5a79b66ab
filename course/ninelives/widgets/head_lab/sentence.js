// The words of the sentence as chips, and below each what it does for the choice.

import { html } from "../js/dom.js";
import { roving } from "../js/keys.js";
import { visible } from "../js/labels.js";
import { cell, endOf, signedColour } from "./cells.js";
import { signed } from "./in_words.js";

/** @import { State } from "./changes.js" */

/** @type {["occlusion" | "gradient" | "attention", string][]} */
const ROWS = [["occlusion", "lost when it is hidden"], ["gradient", "gradient × input"], ["attention", "attended to (decoder)"]];

/** @param {string} other the second word of the choice @param {(position: number) => void} flip */
export function sentence(other, flip) {
  const node = html("div", { className: "nl-hiding" });
  /** @type {HTMLButtonElement[]} */
  let chips = [];
  /** @type {ReturnType<typeof cell>[][]} */
  let cells = [];
  /** @type {HTMLElement[]} */
  let lines = [];
  let built = "";

  function build(/** @type {string[]} */ words) {
    chips = words.map((word, k) => html("button", { type: "button", className: "nl-chip", tabIndex: k ? -1 : 0, onclick: () => flip(k) }, visible(word)));
    cells = ROWS.map(() => words.map(cell));
    lines = ROWS.map(([, name], r) => html("tr", {}, html("th", { scope: "row" }, name), ...cells[r].map(({ node }) => html("td", {}, node))));
    const first = html("tr", {}, html("th", { scope: "row" }, "hide a word"), ...chips.map(chip => html("th", { scope: "col" }, chip)));
    const table = html("table", { "aria-label": "The words; a press hides one" }, html("tbody", {}, first, ...lines));
    roving(table, chips, words.length);
    node.replaceChildren(table, html("p", { className: "nl-note" }, `Each row has its own scale of colours; below 0 speaks for “${other}”. Attended to: the mean over all heads of the decoder, where it chooses.`));
    built = words.join("\n");
  }

  return {
    node,
    show(/** @type {State} */ { words, hidden, of_words, measuring, colours: { signed: map } }) {
      if (words.join("\n") !== built) build(words);
      chips.forEach((chip, k) => { chip.setAttribute("aria-pressed", String(hidden.includes(k))); });
      ROWS.forEach(([name], r) => {
        const numbers = of_words[name];
        lines[r].hidden = !numbers && !measuring;
        if (!numbers) for (const { wait } of cells[r]) wait();
        if (!numbers) return;
        const end = endOf(numbers), isShare = name === "attention";
        numbers.forEach((x, k) => { cells[r][k].show(isShare ? x.toFixed(2) : signed(x), signedColour(map, x, isShare ? 1 : end)); });
      });
    },
  };
}
