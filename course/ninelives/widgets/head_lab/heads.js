// The grid of all heads, coloured by what each carries alone; a press takes a head out, or patches it in.

import { html } from "../js/dom.js";
import { roving } from "../js/keys.js";
import { range } from "../js/numbers.js";
import { cell, endOf, signedColour } from "./cells.js";
import { headName } from "./changes.js";
import { signed } from "./in_words.js";

/** @import { State } from "./changes.js" */

/** @param {State["layers"]} layers @param {(k: number) => void} press */
export function heads(layers, press) {
  const across = Math.max(...layers.map(([, count]) => count)), all = layers.flatMap(([, count]) => range(count));
  const cells = all.map(cell), states = all.map(() => html("small"));
  const buttons = all.map((_, k) =>
    html("button", { type: "button", className: "nl-head", tabIndex: k ? -1 : 0, onclick: () => press(k) }, cells[k].node, states[k]));
  let first = 0;
  const lines = layers.map(([name, count]) => {
    const mine = buttons.slice(first, first + count);
    first += count;
    return html("tr", {}, html("th", { scope: "row" }, name), ...mine.map(button => html("td", {}, button)));
  });
  const top = html("tr", {}, html("td"), ...range(across).map(h => html("th", { scope: "col" }, `head ${h}`)));
  const node = html("table", { className: "nl-grid", "aria-label": "All heads; arrow keys go from head to head" },
    html("thead", {}, top), html("tbody", {}, ...lines));
  roving(node, buttons, across);
  return {
    node,
    show(/** @type {State} */ { of_heads, measuring, mode, out, pair: [one, other], patched, colours: { signed: map } }) {
      const numbers = of_heads[mode];
      node.hidden = !numbers && !measuring;
      if (node.hidden) return;
      const end = numbers ? endOf(numbers) : 1;
      buttons.forEach((button, k) => {
        const now = out.includes(k) ? "out" : patched.includes(k) ? "patched" : "", x = numbers?.[k];
        if (x === undefined) cells[k].wait();
        else cells[k].show(signed(x), signedColour(map, x, end));
        states[k].textContent = now || "\u00a0";
        button.setAttribute("aria-pressed", String(now !== ""));
        const lost = x === undefined ? "not measured yet" : `${signed(x)} lost when it is ${mode === "out" ? "taken out" : "patched in"}, speaks for ${x < 0 ? other : one}`;
        button.setAttribute("aria-label", `${headName(layers, k)}: ${lost}${now && `, now ${now === "out" ? "taken out" : "patched in"}`}`);
      });
    },
  };
}
