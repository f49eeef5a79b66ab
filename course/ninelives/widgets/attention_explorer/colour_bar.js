// The scale of the colours: a bar with ticks, and how it can be changed.

import { html } from "../js/dom.js";
import { assign } from "../js/lifecycle.js";
import { range } from "../js/numbers.js";
import { GRAY } from "./pixels.js";
import { onBar, ticksThatFit } from "./scale.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { View } from "./attention.js" */
/** @import { State } from "./part.js" */
/** @import { Growth } from "./scale.js" */
/** @import { Kind } from "./signed.js" */

const WIDTH = 180; // px, as in style.css

/** @param {Model<State>} model @param {string[]} colours from one end of the scale to the other @param {Kind} kind */
export function colourBar(model, colours, kind) {
  const stops = range(17).map(k => colours[Math.round((colours.length - 1) * k / 16)]);
  const bar = html("span", { className: "nl-ticks", role: "img" }, html("i", { style: `background: linear-gradient(to right, ${stops})` }));
  const masked = html("span", { className: "nl-key" }, html("i", { className: "nl-gray", style: `background: ${GRAY}` }), "masked");
  const kinds = choice("Colours", [["linear", "linear"], ["sqrt", "by the square root"]],
    value => assign(model, { scale: /** @type {Growth} */ (value) }));
  const given = model.get("vmax"), tops = [...new Set([...(kind === "weights" || kind === "difference" ? ["1"] : []), "head", `${given}`])];
  const top = choice("up to", tops.map(value => [value, value === "head" ? "the head's largest" : value]),
    value => assign(model, { vmax: value === "head" ? value : Number(value) }));
  let shown = "";
  return {
    node: html("span", { className: "nl-scale-choice" }, bar, html("span", { className: "nl-scale-choice" }, kinds.node, top.node), masked),
    /** @param {View} view */
    show({ scale, vmax, masked: cells }) {
      kinds.show(scale.growth);
      top.show(`${vmax}`);
      masked.hidden = !cells.includes(1);
      const look = `${scale.growth} ${scale.top}`;
      if (look === shown) return;
      shown = look;
      const ticks = ticksThatFit(scale, WIDTH);
      bar.setAttribute("aria-label", `The scale of the colours, ${scale.growth === "sqrt" ? "by the square root" : "linear"}, ${ticks[0]} to ${ticks[ticks.length - 1]}`);
      bar.replaceChildren(bar.children[0], ...ticks.map(tick =>
        html("span", { style: `left: ${100 * onBar(scale, tick)}%` }, `${tick}`.replace("-", "−"))));
    },
  };
}

/** @param {string} label @param {string[][]} options value and name @param {(value: string) => void} changed */
function choice(label, options, changed) {
  const select = html("select", { "aria-label": label, onchange: () => changed(select.value) },
    ...options.map(([value, name]) => html("option", { value }, name)));
  return {
    node: html("label", { className: "nl-key" }, label, select),
    show: (/** @type {string} */ value) => { select.value = value; },
  };
}
