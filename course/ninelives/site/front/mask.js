// What a reader is invited to break in the decoder: its mask.

import { html } from "../../widgets/js/dom.js";
import { range, two } from "../../widgets/js/numbers.js";
import { readBoth, translation } from "../../widgets/network/translate.js";
import { line, MOST, toggle } from "./broken.js";
import { joined } from "./view.js";

/** @import { Say } from "./broken.js" */
/** @import { View } from "./view.js" */

/** A decoder that may look at later words. @param {HTMLElement} node @param {Say} say */
export function openMask(node, say) {
  const result = html("div", {}), caption = html("p", { className: "label" }), table = html("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "attention among the French words" });
  const reading = html("p", { className: "reading" });
  /** @type {View} */
  let view;
  const { box, node: label } = toggle("Open the decoder's mask", () => {
    show(view);
    say(reading.textContent);
  });
  node.append(label, result, caption, table, reading);
  /** @param {View} now */
  function show(now) {
    view = now;
    const { network, text, run } = view, P = run.english.length, words = run.french.filter(word => word !== "<end>");
    const written = box.checked ? translation(network, text, { causal: false, most: MOST }) : run;
    result.replaceChildren(line("", written, run.french));
    table.hidden = caption.hidden = words.length < 2;
    if (table.hidden) {
      reading.textContent = "The French is too short: no word comes after another.";
      return;
    }
    // All of the French is read at once, as in training. Shown, open or not, is the head in which a row gives most to the word that it has to predict when the mask is open.
    const open = readBoth(network, run.ids, run.steps.slice(0, words.length).map(({ id }) => id), { causal: false }).decoder.layers;
    const all = open.flatMap(({ weights }, l) => weights.flatMap((rows, h) => range(words.length - 1).map(row => ({ l, h, row, rows: rows.slice(P), next: rows[P + row][P + row + 1] }))));
    const best = all.reduce((a, b) => (b.next > a.next ? b : a)), { row } = best, rows = box.checked ? best.rows : run.decoder.layers[best.l].weights[best.h].slice(P);
    caption.textContent = `Head ${best.h + 1} of the decoder's layer ${best.l + 1}: each French word's row`;
    const corner = html("td", { className: "corner" }), names = words.map(word => html("th", { scope: "col", lang: "fr" }, html("span", {}, word)));
    table.replaceChildren(html("table", { className: "mask" },
      html("thead", {}, html("tr", {}, corner, ...names)), html("tbody", {}, ...words.map((word, r) =>
        html("tr", { className: r === row ? "it" : "" }, html("th", { scope: "row", lang: "fr" }, word), ...words.map((_, c) => {
          const weight = rows[r]?.[P + c];
          if (weight === undefined || (c > r && !box.checked)) return html("td", { className: "masked" }, html("span", { className: "unseen" }, "masked"));
          return html("td", { style: `--w: ${weight}` }, weight < 0.095 ? "" : two(weight).replace(/^0|\.00$/, ""));
        }))))));
    reading.textContent = !box.checked ? "A word attends to itself, to the words before it, and to the English. What comes later is masked."
      : `Written word by word, the French ${joined(written.french) === joined(run.french) ? "is the same: there is nothing later to look at" : "changes"}. But in training all of it is read at once. `
        + `The row of “${words[row]}”, which has to predict “${words[row + 1]}”, then gives “${words[row + 1]}” itself ${two(best.next)} of its attention in this head. Trained like this, it would copy the answer.`;
  }
  return { show };
}
