// The masks of a batch side by side, each with the sliders of its lengths.

import { html, svg } from "../js/dom.js";
import { onKeys } from "../js/keys.js";
import { assign } from "../js/lifecycle.js";
import { clamp, range } from "../js/numbers.js";
import { slider } from "../js/slider.js";
import { layout, maskParts } from "./drawing.js";
import { chosen, sizes } from "./masks.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { State } from "./masks.js" */

/**
 * @param {Model<State>} model
 * @param {() => State} read
 */
export function batch(model, read) {
  const { B, N, P } = sizes(read()), place = layout(read());
  const choose = (/** @type {number} */ sentence, /** @type {number} */ token) => assign(model, { sentence, token });

  const masks = range(B).map(b => {
    const drawing = svg("svg", { "aria-hidden": "true", width: place.width, height: place.height });
    const box = html("div", {
      className: "nl-mask", tabIndex: 0, role: "application", "aria-roledescription": "mask",
      "aria-label": `Mask of sentence ${b + 1}. Up and down choose a row, left and right a sentence.`,
    }, drawing);
    const row = () => chosen(read())[1];
    const goTo = (/** @type {number} */ token) => choose(b, clamp(token, 0, N - 1));
    const goToSentence = (/** @type {number} */ other) => {
      if (other < 0 || other >= B) return;
      choose(other, row());
      masks[other].box.focus();
    };
    onKeys(box, {
      ArrowDown: () => goTo(row() + 1), ArrowUp: () => goTo(row() - 1), Home: () => goTo(0), End: () => goTo(N - 1),
      ArrowRight: () => goToSentence(b + 1), ArrowLeft: () => goToSentence(b - 1),
    });
    box.addEventListener("click", event => {
      const y = event.clientY - drawing.getBoundingClientRect().top - place.top;
      if (y >= 0 && y < place.plot) choose(b, Math.floor(y / place.cell));
    });
    box.addEventListener("focus", () => { if (chosen(read())[0] !== b) choose(b, row()); });

    const sliders = [lengthSlider(model, "lengths", b, "Words", `Words of sentence ${b + 1}`, read().words[b].length)];
    if (P) sliders.unshift(lengthSlider(model, "prefix_lengths", b, "Prefix", `Words of prefix ${b + 1}`, read().prefix[b].length));
    const node = html("div", { className: "nl-one" }, html("h2", {}, `Sentence ${b + 1}`), ...sliders.map(({ node }) => node), box);
    return { box, drawing, sliders, node };
  });

  return {
    node: html("div", { className: "nl-batch" }, ...masks.map(({ node }) => node)),
    show(/** @type {State} */ state) {
      masks.forEach(({ drawing, sliders }, b) => {
        for (const { show } of sliders) show();
        drawing.replaceChildren(...maskParts(state, b, place));
      });
    },
  };
}

/**
 * @param {Model<State>} model
 * @param {"lengths" | "prefix_lengths"} trait
 * @param {number} b
 * @param {string} name
 * @param {string} label
 * @param {number} count
 */
function lengthSlider(model, trait, b, name, label, count) {
  const read = () => model.get(trait)[b];
  return slider({
    name, label, read,
    limits: { min: 1, max: count, step: 1 },
    write: value => assign(model, { [trait]: model.get(trait).map((n, k) => (k === b ? value : n)) }),
    say: () => `${read()} of ${count}`,
    spoken: () => `${read()} of ${count} words`,
    hidden: count === 1,
  });
}
