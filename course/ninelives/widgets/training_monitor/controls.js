// Progress and Stop; which trainings are shown, and which measure.

import { html, svg } from "../js/dom.js";
import { assign } from "../js/lifecycle.js";
import { namesOf } from "./history.js";
import { progress } from "./in_words.js";
import { marker } from "./marker.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { State } from "./history.js" */

/** @param {Model<State>} model */
export function progressBar(model) {
  const fill = html("i"), told = html("span", { className: "nl-told" });
  const bar = html("div", { className: "nl-progress", role: "progressbar", "aria-valuemin": 0, "aria-label": "Progress" }, fill);
  const ask = () => { if (model.get("state") === "running") assign(model, { stop_asked: true }); };
  const stop = html("button", { type: "button", className: "nl-stop", onclick: ask }, "Stop");
  return {
    nodes: [html("div", { className: "nl-bar" }, told, stop), bar],
    show(/** @type {State} */ state) {
      fill.style.width = `${100 * state.step / state.max_iters}%`;
      bar.setAttribute("aria-valuenow", String(state.step));
      bar.setAttribute("aria-valuemax", String(state.max_iters));
      bar.setAttribute("aria-valuetext", progress(state));
      told.replaceChildren(html("strong", {}, state.name), ` ${progress(state)}`);
      stop.hidden = !state.can_stop;
      stop.disabled = state.state !== "running" || state.stop_asked;
    },
  };
}

/** @param {Model<State>} model @param {State} state */
export function choices(model, state) {
  const names = namesOf(state);
  const chips = names.map((name, k) => {
    const colour = state.colours.lines[k], line = svg("path", { d: "M1 6H25", class: "nl-curve", style: `stroke: ${colour}` });
    const sign = svg("svg", { width: 26, height: 12, "aria-hidden": "true" }, line, marker(k, 13, 6, colour));
    const toggle = () => {
      const hidden = model.get("hidden");
      assign(model, { hidden: hidden.includes(name) ? hidden.filter(other => other !== name) : [...hidden, name] });
    };
    return html("button", { type: "button", className: "nl-chip", onclick: toggle }, sign, name);
  });
  const select = html("select", { "aria-label": "Measure", onchange: () => assign(model, { measure: select.value }) });
  const measure = html("label", { className: "nl-slider" }, html("span", { className: "nl-name" }, "Measure"), select);
  return {
    node: html("div", { className: "nl-bar nl-which" }, ...(names.length > 1 ? chips : []), measure),
    show(/** @type {State} */ { hidden, measures, measure: chosen }) {
      chips.forEach((chip, k) => {
        const isHidden = hidden.includes(names[k]);
        chip.setAttribute("aria-pressed", String(isHidden));
        chip.title = `${isHidden ? "Show" : "Hide"} ${names[k]}`;
      });
      measure.hidden = measures.length < 2;
      select.replaceChildren(...measures.map(name => html("option", { value: name, selected: name === chosen }, name)));
    },
  };
}
