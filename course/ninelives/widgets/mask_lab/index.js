// The mask lab, drawn in the browser. Python is asked for the learner's own mask only.

import { announcer } from "../js/announce.js";
import { html } from "../js/dom.js";
import { legendKey } from "../js/legend.js";
import { assign, connect, frame, onChange, oncePerFrame, snapshot } from "../js/lifecycle.js";
import { counted } from "../js/numbers.js";
import { batch } from "./batch.js";
import { compared, rowInWords, spreadOfNan } from "./in_words.js";
import { chosen, labelAt, sizes } from "./masks.js";
import { softmaxTable } from "./softmax_table.js";

/** @import { Model, RenderContext } from "../js/lifecycle.js" */
/** @import { State } from "./masks.js" */

/** @type {(keyof State)[]} */
const FIXED = ["words", "prefix", "scores", "colours"];
/** @type {(keyof State)[]} */
const CHANGING = ["lengths", "prefix_lengths", "causal", "rows_too", "sentence", "token", "yours"];

/** @param {RenderContext<State>} context */
function render({ model, el }) {
  const read = () => snapshot(model, [...FIXED, ...CHANGING]);
  const { B, T } = sizes(read());
  frame(el, "nl-mask-lab", `Mask lab: ${counted(B, "sentence")} of up to ${T} words`, model.get("colours"));

  const toggles = [
    toggle(model, "causal", "Causal: no word attends to later ones"),
    toggle(model, "rows_too", "Close the rows of padding too"),
  ];
  const masks = batch(model, read), table = softmaxTable(), spoken = announcer();
  const differsKey = legendKey({ style: "background: var(--nl-accent); scale: 0.6" }, "yours differs");
  const legend = html("div", { className: "nl-legend" },
    html("span", {}, "Each row is a word that attends, each column a word that it attends to."),
    legendKey({ style: "background: var(--nl-lines)" }, "may attend"),
    legendKey({ style: "background: var(--nl-raised); outline: 1px solid var(--nl-rule)" }, "may not"),
    differsKey);
  const yours = html("p", { className: "nl-yours" }), readout = html("p", { className: "nl-readout" });
  el.replaceChildren(html("div", { className: "nl-bar" }, ...toggles.map(({ node }) => node)),
    masks.node, legend, yours, readout, table.node, spoken.node);

  function draw() {
    const state = read(), [b, i] = chosen(state);
    const where = `Sentence ${b + 1}, position ${i}`, label = labelAt(state, b, i), row = rowInWords(state, b, i);
    for (const { show } of toggles) show();
    masks.show(state);
    yours.textContent = [compared(state), spreadOfNan(state)].filter(Boolean).join(" ");
    differsKey.hidden = !yours.textContent.includes("differs");
    readout.replaceChildren(html("span", { className: "nl-where" }, where), html("strong", {}, label), ` ${row}`);
    table.show(state);
    el.dataset.drawn = [state.lengths.join(), state.prefix_lengths.join(), +state.causal, +state.rows_too, b, i].join(":");
    spoken.say(() => `${where}: ${label} ${row} ${yours.textContent}`);
  }

  draw();
  return connect({ model, el }, onChange(CHANGING, oncePerFrame(draw)), spoken.stop);
}

/**
 * @param {Model<State>} model
 * @param {"causal" | "rows_too"} trait
 * @param {string} text
 */
function toggle(model, trait, text) {
  const input = html("input", { type: "checkbox", onchange: () => assign(model, { [trait]: input.checked }) });
  const show = () => { input.checked = model.get(trait); };
  return { node: html("label", { className: "nl-switch" }, input, text), show };
}

export default { render };
