// The head lab, drawn in the browser. Python computes, or the network that an exported page carries.

import { announcer } from "../js/announce.js";
import { ask, NEVER_IN_DOUBT } from "../js/ask.js";
import { html } from "../js/dom.js";
import { colourScale } from "../js/legend.js";
import { assign, connect, frame, onChange, oncePerFrame, snapshot } from "../js/lifecycle.js";
import { range } from "../js/numbers.js";
import { endOf } from "./cells.js";
import { afterClick, answerNow, drawnState, flipped, isWaiting, key } from "./changes.js";
import { heads } from "./heads.js";
import { reading, signed, strongest } from "./in_words.js";
import { computeOnPage } from "./on_page.js";
import { sentence } from "./sentence.js";
import { translations } from "./translations.js";

/** @import { RenderContext } from "../js/lifecycle.js" */
/** @import { State } from "./changes.js" */

/** @type {(keyof State)[]} */
const CHANGING = ["answered", "error", "remark", "whose", "words", "other", "other_answer", "of_words", "of_heads", "answers", "hidden", "out", "patched", "mode"];

/** @param {RenderContext<State>} context */
function render({ model, el }) {
  const read = () => snapshot(model, [...CHANGING, "text", "pair", "layers", "measuring", "colours"]);
  const { pair: [one, other], layers, colours } = read(), hasPython = Boolean(model.send), canCompute = hasPython || Boolean(model.get("network"));
  frame(el, "nl-head-lab", "Head lab", colours);

  const question = ask(model.get("text"), canCompute, text => assign(model, { text }));
  const words = sentence(other, k => assign(model, { hidden: flipped(model.get("hidden"), k) }));
  const lines = translations(), spoken = announcer();
  const undo = html("button", { type: "button", onclick: () => assign(model, { hidden: [], out: [], patched: [] }) }, "Change everything back");
  const modes = html("select", { "aria-label": "What a press on a head does", onchange: () => assign(model, { mode: modes.value === "out" ? "out" : "patched" }) },
    html("option", { value: "out" }, "takes it out"), html("option", { value: "patched" }));
  const grid = heads(layers, k => assign(model, afterClick(read(), k)));
  const low = html("span"), high = html("span"), middle = range(17).map(k => colours.signed[Math.round(254 * k / 16)]);
  const scale = colourScale("", middle, "");
  scale.prepend(low);
  scale.append(high);
  const legend = html("div", { className: "nl-legend" },
    html("span", {}, "In a cell: how much of the difference is lost when this head alone is changed."), scale);
  const choose = html("label", { className: "nl-bar nl-modes" }, html("span", { className: "nl-name" }, "A press on a head"), modes, undo);
  const error = html("p", { className: "nl-error", role: "alert" }), note = html("p", { className: "nl-note" });
  const progressed = html("p", { className: "nl-note nl-measuring", hidden: hasPython }), readout = html("p", { className: "nl-readout" }), summary = html("p", { className: "nl-note nl-summary" }), whose = html("p", { className: "nl-yours" });
  const body = html("div", {}, words.node, lines.node, choose, html("div", { className: "nl-scroll" }, grid.node), legend, progressed, readout, summary, whose);
  el.replaceChildren(question.node, note, error, body, spoken.node);

  let wasThere = false;
  function draw() {
    const state = read(), numbers = state.of_heads[state.mode];
    error.hidden = !state.error || isWaiting(state);
    // What was there before an error stays, so that the page does not jump; it cannot be used.
    const isThere = Boolean(state.answers[""]);
    wasThere ||= isThere;
    body.hidden = !wasThere;
    body.inert = !isThere;
    error.textContent = error.hidden ? "" : `${state.error}${wasThere ? " Below is the sentence before." : ""}`;
    const page = canCompute ? NEVER_IN_DOUBT : `${model.get("why_no_network")} It knows what becomes of the translation when one word or one head is changed; `
      + `run the notebook for ${answerNow(state) || !isThere ? "other sentences and for more changes at once" : "these changes together"}.`;
    note.textContent = `${state.remark} ${page}`.trim();
    el.dataset.drawn = drawnState(state);
    if (!isThere) return;
    for (const part of [words, lines, grid]) part.show(state);
    undo.setAttribute("aria-disabled", String(!key(state))); // disabled, it would lose the focus by its own press
    const patching = /** @type {HTMLOptionElement} */ (modes.options[1]);
    patching.disabled = !state.of_heads.patched;
    patching.textContent = state.other ? `patches it in from “${state.other}”` : "patches it in: there is no sentence with two nouns";
    modes.value = state.mode;
    legend.hidden = modes.disabled = !numbers && !state.measuring;
    if (numbers) {
      low.textContent = `${signed(-endOf(numbers))}, speaks for ${other}`;
      high.textContent = `${signed(endOf(numbers))}, speaks for ${one}`;
    }
    readout.textContent = reading(state);
    summary.textContent = strongest(state) + (state.other_answer && ` “${state.other}” becomes “${state.other_answer}”.`);
    whose.textContent = state.whose;
    spoken.say(() => (answerNow(state) ? `${reading(state)} ${hasPython ? state.remark : ""}`.trim() : null)); // a page remarks the same of every sentence
  }

  const redraw = oncePerFrame(draw);
  function measured() {
    progressed.textContent = model.get("measuring") ?? "";
    if (!model.get("measuring")) redraw();
  }
  function asked() {
    question.show(model.get("text"));
    draw();
  }
  const stop = canCompute && !hasPython ? computeOnPage(model) : () => {};
  draw();
  return connect({ model, el }, { ...onChange(CHANGING, redraw), "change:measuring": measured, "change:text": asked }, spoken.stop, stop);
}

export default { render };
