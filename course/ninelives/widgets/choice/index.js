// A question without code. Nobody needs Python to answer it; what is chosen is told to Python, which keeps it.

import { announcer } from "../js/announce.js";
import { html } from "../js/dom.js";
import { roving } from "../js/keys.js";
import { assign, connect, frame, onChange, oncePerFrame, snapshot } from "../js/lifecycle.js";
import { partsOf, plain, verdict } from "./in_words.js";

/** @import { RenderContext } from "../js/lifecycle.js" */
/** @import { State } from "./in_words.js" */

/** @param {RenderContext<State>} context */
function render({ model, el }) {
  const fixed = snapshot(model, ["question", "options", "explanations", "answer", "colours"]);
  frame(el, "nl-choice", `Question: ${plain(fixed.question)}`, fixed.colours);

  const options = fixed.options.map((option, k) =>
    html("button", { type: "button", role: "radio", onclick: () => assign(model, { chosen: k }) },
      html("i", { "aria-hidden": "true" }), html("span", {}, ...written(option))));
  const group = html("div", { className: "nl-options", role: "radiogroup", "aria-label": plain(fixed.question) }, ...options);
  const reason = html("p", { className: "nl-reason" }), spoken = announcer();
  // The arrow keys move only the focus, so that nobody chooses on the way; Space and Enter choose.
  roving(group, options, 1);
  el.replaceChildren(html("p", { className: "nl-question" }, ...written(fixed.question)), group, reason, spoken.node);

  function draw() {
    const state = { ...fixed, ...snapshot(model, ["chosen"]) }, { chosen, answer } = state, said = verdict(state);
    const explanation = chosen === null ? "" : fixed.explanations[chosen];
    options.forEach((option, k) => {
      option.setAttribute("aria-checked", String(k === chosen));
      option.tabIndex = k === (chosen ?? 0) ? 0 : -1;
    });
    if (chosen === null) delete el.dataset.verdict;
    else el.dataset.verdict = chosen === answer ? "right" : "wrong";
    if (chosen === null) reason.replaceChildren("Choose an answer; you can choose again.");
    else reason.replaceChildren(html("strong", {}, said), " ", ...written(explanation));
    el.dataset.drawn = String(chosen);
    spoken.say(() => (chosen === null ? null : `${said} ${plain(explanation)}`));
  }

  draw();
  return connect({ model, el }, onChange(["chosen"], oncePerFrame(draw)), spoken.stop);
}

/** @param {string} text */
const written = text => partsOf(text).map(({ part, isCode }) => (isCode ? html("code", {}, part) : part));

export default { render };
