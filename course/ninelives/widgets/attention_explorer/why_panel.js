// The panel "Why this weight": the query, the key and their product channel by channel, then the steps of the softmax.

import { inDarkTheme, numberOn, rgbOf } from "../js/colours.js";
import { html } from "../js/dom.js";
import { range } from "../js/numbers.js";
import { isOpen } from "./attention.js";
import { shadesOf } from "./pixels.js";
import { explain, isTooSmall, scaleSign, short, whyProducts, whySums, whyTitle } from "./why.js";

/** @import { Panel } from "../js/tabs.js" */
/** @import { View } from "./attention.js" */
/** @import { OnDemand } from "./on_demand.js" */
/** @import { Attention } from "./part.js" */
/** @import { Scale } from "./scale.js" */
/** @import { Selection } from "./selection.js" */
/** @import { Why } from "./why.js" */

const ALL_CHANNELS = 8; // of more, all are a strip of colours, and the largest have numbers
const FEW_CHANNELS = 6;
const ALL_KEYS = 12;
const FEW_KEYS = 8;

/**
 * @param {Attention} attention
 * @param {() => View} view
 * @param {Selection} selected
 * @param {OnDemand} asked
 * @param {string[]} colours of the signed map
 * @returns {Panel & { sentence: () => string, cell: () => { from: number, to: number } | null }}
 */
export function whyPanel(attention, view, selected, asked, colours) {
  const body = html("div"), shades = shadesOf(colours);
  let said = "", painted = "";

  /** What is in the way, or the weight that is explained. @returns {string | { why: Why, from: string, to: string }} */
  function now() {
    const { rows, columns, layer, head, combine, hidden } = view(), { r, c } = selected.chosen(), { why: state } = attention;
    if (combine) return "Queries and keys belong to one head: choose “one head” above.";
    if (!state || r < 0 || c < 0) return "Click a cell of the heatmap, or choose one with the arrow keys and press Enter.";
    const numbers = asked.why(layer, head, rows[r]), k = layer * attention.H + head, key = [k, rows[r], columns[c], hidden].join();
    if (numbers === "none") return "This page was saved without queries and keys, which would have been more than 10 MB.";
    if (!numbers) return ""; // on their way
    if (key === painted) return "";
    painted = key;
    const open = range(attention.S).map(j => isOpen(attention, k, rows[r], j));
    return {
      why: explain(numbers, state.channels, state.scale[layer], open, columns[c]),
      from: attention.rowWords[rows[r]], to: attention.columnWords[columns[c]],
    };
  }

  function fill() {
    const found = now();
    if (found === "") return;
    if (typeof found === "string") {
      said = painted = "";
      body.replaceChildren(html("p", { className: "nl-quiet" }, found));
      return;
    }
    const { why, from, to } = found, title = whyTitle(why, from, to);
    said = `${title}. ${whyProducts(why)} ${whySums(why)}`;
    const note = view().hidden.length ? [html("p", { className: "nl-quiet" }, `Hidden ${attention.item}s are included.`)] : [];
    body.replaceChildren(
      html("p", {}, html("strong", {}, title)), ...(why.channels.length > ALL_CHANNELS ? [strip(why)] : []), channelTable(why, from, to),
      html("p", {}, `${whyProducts(why)} ${whySums(why)}`), softmaxTable(why), ...note);
  }

  const scaleOf = (/** @type {Why} */ { query, key, product }) => /** @type {Scale} */ (
    { growth: "linear", isSigned: true, top: Math.max(...[...query, ...key, ...product].map(Math.abs)) || 1 });

  /** All channels as colours. @param {Why} why */
  function strip(why) {
    const canvas = html("canvas", { role: "img", "aria-label": `All ${why.channels.length} channels: query, key and product, one line each` });
    const weights = new Float32Array([...why.query, ...why.key, ...why.product]), columns = why.channels.map((_, c) => c);
    shades.paint(canvas, { rows: range(3), columns, weights, masked: new Uint8Array(weights.length) }, scaleOf(why), columns.length, 3);
    return canvas;
  }

  /** @param {Why} why @param {string} from @param {string} to */
  function channelTable(why, from, to) {
    const scale = scaleOf(why), some = why.channels.length > ALL_CHANNELS ? why.largest.slice(0, FEW_CHANNELS) : range(why.channels.length);
    const cell = (/** @type {number} */ x) => {
      const hex = shades.hex(scale, x), dark = inDarkTheme(rgbOf(hex)).map(Math.round);
      return html("td", { className: numberOn(hex), style: `--light: ${hex}; --dark: rgb(${dark})` }, short(x));
    };
    const line = (/** @type {string} */ name, /** @type {number[]} */ numbers) =>
      html("tr", {}, html("th", { scope: "row" }, name), ...some.map(c => cell(numbers[c])));
    const rest = why.product.reduce((sum, x, c) => (some.includes(c) ? sum : sum + x), 0), others = why.channels.length - some.length;
    const table = html("table", { className: "nl-why" },
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "channel"), ...some.map(c => html("th", { scope: "col" }, why.channels[c])))),
      html("tbody", {}, line(`query of ${from}`, why.query), line(`key of ${to}`, why.key), line("product", why.product)));
    return html("div", { className: "nl-scroll", tabIndex: 0, role: "region", "aria-label": "Query, key and product" }, table,
      ...(others ? [html("p", { className: "nl-quiet" }, `The largest products; the other ${others} add up to ${short(rest)}.`)] : []));
  }

  /** The steps from the scores to the weights, as in notebook 2. @param {Why} why */
  function softmaxTable(why) {
    const { open, j, scores, products, powers, sum, minus } = why;
    const strongest = range(open.length).sort((a, b) => powers[b] - powers[a]).slice(0, FEW_KEYS);
    const some = range(open.length).filter(s => open.length <= ALL_KEYS || s === j || strongest.includes(s)), others = open.length - some.length;
    const sign = scaleSign(why) + (why.hasBias ? " + bias" : "");
    const names = [attention.item, "query·key", ...(sign ? [sign.trim()] : []), minus ? `e^(… − ${short(minus)})` : "e^…", "÷ sum"];
    const line = (/** @type {number} */ s) => html("tr", s === j ? { "aria-current": "true" } : {},
      html("th", { scope: "row" }, attention.columnWords[s]), html("td", {}, short(products[s])), ...(sign ? [html("td", {}, short(scores[s]))] : []),
      html("td", {}, open[s] || isTooSmall(why, s) ? powers[s].toFixed(2) : "masked"), html("td", {}, (sum ? powers[s] / sum : 0).toFixed(2)));
    const blank = (/** @type {number} */ count) => range(count).map(() => html("td"));
    const last = html("tr", { className: "nl-sum" }, html("th", { scope: "row" }, "sum"), ...blank(sign ? 2 : 1), html("td", {}, sum.toFixed(2)), html("td", {}, "1.00"));
    return html("div", { className: "nl-scroll", tabIndex: 0, role: "region", "aria-label": "From the scores to the weights" },
      html("table", { className: "nl-why" },
        html("thead", {}, html("tr", {}, ...names.map(name => html("th", { scope: "col" }, name)))), html("tbody", {}, ...some.map(line), last)),
      ...(others ? [html("p", { className: "nl-quiet" }, `The other ${others} keys are in the sum.`)] : []));
  }

  /** The positions of the chosen cell of one head. */
  function cell() {
    const { rows, columns, combine } = view(), { r, c } = selected.chosen();
    return r < 0 || c < 0 || combine ? null : { from: rows[r], to: columns[c] };
  }
  return { name: "why", title: "Why this weight", body, fill, cell, sentence: () => said };
}
