// One head, unfolded: query, keys, scores, mask, softmax, values.

import { html } from "../../widgets/js/dom.js";
import { roving } from "../../widgets/js/keys.js";
import { argmax, range, two } from "../../widgets/js/numbers.js";
import { dot } from "../../widgets/network/arithmetic.js";
import { square } from "../../widgets/network/translate.js";
import { bar, largest, paintMap, strip } from "./paint.js";
import { whereNotMeant, wordAtPosition } from "./view.js";

/** @import { View } from "./view.js" */

/** The heads of the encoder as small pictures to choose from. @param {HTMLElement} node @param {(layer: number, head: number) => void} choose */
export function headPicker(node, choose) {
  /** @type {HTMLButtonElement[]} */
  const buttons = [];
  /** @param {View} view */
  const build = ({ network: { encoder } }) => {
    const { n_layer, n_head } = /** @type {NonNullable<View["network"]["encoder"]>} */ (encoder).config;
    node.replaceChildren(...range(n_layer).map(layer => html("div", { className: "layer" }, html("span", {}, `layer ${layer + 1}`), ...range(n_head).map(head => {
      const button = html("button", { type: "button", tabIndex: -1, onclick: () => choose(layer, head) }, html("canvas", { "aria-hidden": "true" }));
      buttons.push(button);
      return button;
    }))));
    roving(node, buttons, n_head, k => choose(Math.floor(k / n_head), k % n_head));
  };
  return {
    /** @param {View} view */
    show(view) {
      if (!buttons.length) build(view);
      const { run, it, layer, head, colours } = view, perLayer = buttons.length / run.encoder.layers.length;
      buttons.forEach((button, k) => {
        const l = Math.floor(k / perLayer), h = k % perLayer, rows = run.encoder.layers[l].weights[h], most = argmax(rows[it]), chosen = l === layer && h === head;
        paintMap(/** @type {HTMLCanvasElement} */ (button.firstChild), square(rows, rows.length, 0), colours);
        button.setAttribute("aria-label", `layer ${l + 1}, head ${h + 1}: “${run.english[it]}” to “${run.english[most]}” ${two(rows[it][most])}`);
        button.setAttribute("aria-pressed", String(chosen));
        button.tabIndex = chosen ? 0 : -1;
      });
    },
  };
}

/** @param {HTMLElement} picture @param {HTMLElement} reading @param {View} view */
export function headTable(picture, reading, view) {
  const { run, it, layer, head, colours } = view, { q, k, v, scores, weights, heads } = run.encoder.layers[layer];
  const query = q[head][it], keys = k[head], values = v[head], row = weights[head][it], result = heads[head][it];
  const ofKeys = largest([query, ...keys]), ofValues = largest([result, ...values]), column = (/** @type {string} */ text) => html("th", { scope: "col" }, text);
  const cell = (/** @type {Node | string} */ content, className = "") => html("td", { className }, content), word = run.english[it];
  picture.replaceChildren(html("table", { className: "unfolded" }, html("caption", {}, `Head ${head + 1} of layer ${layer + 1}: what “${word}” asks, and what it gets. Point at a strip to read its numbers.`),
    html("thead", {}, html("tr", { className: "query" }, html("th", { scope: "row" }, `query of “${word}”`), cell(strip(query, ofKeys, colours)), html("td", { colSpan: 4 })),
      html("tr", {}, column("word"), column("key"), column("score"), column("mask"), column("weight"), column("value"))),
    html("tbody", {}, ...run.english.map((name, j) => html("tr", { className: j === it ? "it" : "" }, html("th", { scope: "row" }, name),
      cell(strip(keys[j], ofKeys, colours)), cell(two(scores[head][it][j]), "number"), cell("1", "number faint"), cell(bar(row[j]), "share"), cell(strip(values[j], ofValues, colours))))),
    html("tfoot", {}, html("tr", {}, html("th", { scope: "row", colSpan: 5 }, "weights × values, added up"), cell(strip(result, ofValues, colours))))));
  const most = argmax(row), n = query.length, product = two(dot(query, keys[most]));
  reading.textContent = `Most goes to ${wordAtPosition(run, most)}.${whereNotMeant(view)} Query · key is ${product}; divided by √${n} = ${Math.sqrt(n)}, that is the score ${two(scores[head][it][most])}; softmax makes that ${two(row[most])}. `
    + "Its mask is 1 everywhere and hides nothing: an encoder looks both ways.";
}
