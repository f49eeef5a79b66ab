// What is shown: one head or several, the layer and the head.

import { html } from "../js/dom.js";
import { assign } from "../js/lifecycle.js";
import { slider } from "../js/slider.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { Attention, Combine, State } from "./part.js" */

/** @type {Record<Combine, string>} */
const COMBINED = { "": "one head", layer: "mean of a layer", model: "mean of all heads", rollout: "rollout" };

/** A choice between one head and what several do together. @param {Model<State>} model @param {Attention} attention */
export function combineSwitch(model, { L, H, rollout }) {
  if (L * H === 1) return [];
  const kinds = /** @type {Combine[]} */ (Object.keys(COMBINED)).filter(kind => kind !== "rollout" || rollout);
  const select = html("select", {
    "aria-label": "Show", onchange: () => assign(model, { combine: /** @type {Combine} */ (select.value) }),
  }, ...kinds.map(kind => html("option", { value: kind }, COMBINED[kind])));
  return [{
    node: html("label", { className: "nl-slider" }, html("span", { className: "nl-name" }, "Show"), select),
    show: () => { select.value = model.get("combine"); },
  }];
}

/** The sliders of layer and head. @param {Model<State>} model @param {Attention} attention */
export const headSliders = (model, { layers, heads, first }) =>
  [traitSlider(model, "layer", "Layer", layers, first), traitSlider(model, "head", "Head", heads, first)];

/** @param {Model<State>} model @param {"layer" | "head"} trait @param {string} name @param {number[]} numbers @param {number} first */
function traitSlider(model, trait, name, numbers, first) {
  const number = (/** @type {number} */ k) => numbers[k] + first, last = numbers.length - 1, read = () => Math.min(model.get(trait), last);
  const shown = slider({
    name, read,
    limits: { min: 0, max: last, step: 1 },
    write: value => assign(model, { [trait]: value }),
    say: () => `${number(read())} (${number(0)}–${number(last)})`,
    spoken: () => `${name} ${number(read())}, of ${number(0)} to ${number(last)}`,
    hidden: last === 0,
  });
  const kinds = trait === "layer" ? ["", "layer", "rollout"] : [""]; // what the slider chooses from
  return {
    node: shown.node,
    show() {
      shown.node.hidden = last === 0 || !kinds.includes(model.get("combine"));
      shown.show();
    },
  };
}
