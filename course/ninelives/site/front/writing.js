// The decoder writes: one step at a time.

import { html } from "../../widgets/js/dom.js";
import { argmax, two } from "../../widgets/js/numbers.js";
import { likeliestOf } from "../../widgets/network/translate.js";
import { bar, chips } from "./paint.js";

/** @import { View } from "./view.js" */

/** @param {HTMLElement} node @param {HTMLElement} reading @param {(step: number) => void} go @param {(words: string | null) => void} say to those who hear the page */
export function writing(node, reading, go, say) {
  const back = html("button", { type: "button" }, "← Word before"), on = html("button", { type: "button" }, "Next word →");
  const count = html("span", { className: "count" }), body = html("div", {});
  node.replaceChildren(html("div", { className: "steps" }, back, count, on), body);
  let hasMoved = false;
  const move = (/** @type {number} */ step) => {
    hasMoved = true;
    go(step);
  };
  return {
    /** @param {View} view */
    show({ run, step, network, it, pronoun }) {
      const { row, word } = run.steps[step], last = run.steps.length - 1, P = run.english.length, layers = run.decoder.layers;
      const atPronoun = run.steps[pronoun].row, all = layers.flatMap(({ weights: heads }, l) => heads.map((rows, h) => ({ l, h, rows })));
      const { l, h, rows } = all.reduce((best, next) => (next.rows[atPronoun][it] > best.rows[atPronoun][it] ? next : best)), weights = rows[row];
      back.onclick = () => move(Math.max(0, step - 1));
      on.onclick = () => move(Math.min(last, step + 1));
      back.setAttribute("aria-disabled", String(step === 0));
      on.setAttribute("aria-disabled", String(step === last));
      count.textContent = `word ${step + 1} of ${last + 1}`;
      const after = run.french.slice(0, -1), likely = likeliestOf(network, run.steps[step], 4);
      body.replaceChildren(
        html("p", { className: "label" }, "English, as the encoder has understood it"), chips(run.english, weights.slice(0, P)),
        html("p", { className: "label" }, "French, as far as it is written"),
        after.length ? html("div", { lang: "fr" }, chips(after, after.map((_, k) => (k < step ? weights[P + k] : undefined)), step - 1)) : "",
        html("p", { className: "label" }, "The likeliest next words"),
        html("p", { className: "likely", lang: "fr" }, ...likely.map(({ word: w, p }) => html("span", { className: w === word ? "chosen" : "" }, html("span", {}, w), bar(p)))));
      const columns = [...run.english, ...run.french], most = argmax(weights);
      reading.textContent = `${step ? `After “${run.french[step - 1]}”` : "Before its first word"} the decoder writes “${word}”, with a probability of ${two(likely[0].p)}. `
        + `This is head ${h + 1} of its layer ${l + 1}, the one of ${all.length} that attends to “${run.english[it]}” most when “${run.french[pronoun]}” is written (${two(rows[atPronoun][it])}). `
        + (step === pronoun ? "" : `Here it attends most to “${columns[most]}” (${two(weights[most])}). `)
        + (step < last ? `In training a mask hides the ${last - step === 1 ? "word" : `${last - step} words`}${step ? ` after “${run.french[step - 1]}”` : " of the French"}.` : "");
      if (hasMoved) say(reading.textContent);
      hasMoved = false;
    },
  };
}
