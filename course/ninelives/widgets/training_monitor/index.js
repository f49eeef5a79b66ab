// The training monitor, drawn in the browser. Python sends entries and hears one word: stop.

import { announcer } from "../js/announce.js";
import { html } from "../js/dom.js";
import { assign, connect, frame, onChange, oncePerFrame, snapshot } from "../js/lifecycle.js";
import { choices, progressBar } from "./controls.js";
import { curves } from "./curves.js";
import { numbers, progress } from "./in_words.js";
import { samplesTable } from "./samples.js";

/** @import { RenderContext } from "../js/lifecycle.js" */
/** @import { Kind } from "./curves.js" */
/** @import { State } from "./history.js" */

const PAUSE = 5000; // ms between what is spoken while the training runs
/** @type {(keyof State)[]} */
const FIXED = ["name", "beside", "levels", "colours"];
/** @type {(keyof State)[]} */
const CHANGING = ["max_iters", "entries", "step", "seconds", "state", "stop_asked", "can_stop", "measure", "measures", "hidden", "cursor"];
/** @type {Kind[]} */
const KINDS_OF_CURVES = ["loss", "measure", "rate"];

/** In JupyterLab as `make lab` starts it; elsewhere this does nothing. */
function saveNotebook() {
  const page = /** @type {{ jupyterapp?: { commands: { execute(command: string): Promise<unknown> } } }} */ (/** @type {unknown} */ (globalThis));
  page.jupyterapp?.commands.execute("docmanager:save").catch(() => {});
}

/** @param {RenderContext<State>} context */
function render({ model, el }) {
  const read = () => snapshot(model, [...FIXED, ...CHANGING]);
  frame(el, "nl-monitor", `Training monitor: ${model.get("name")}`, model.get("colours"));
  const bar = progressBar(model), which = choices(model, read()), samples = samplesTable(), spoken = announcer();
  const plots = KINDS_OF_CURVES.map(kind => curves(kind, read, cursor => assign(model, { cursor })));
  const readout = html("p", { className: "nl-readout" });
  el.replaceChildren(...bar.nodes, which.node, html("div", { className: "nl-plots" }, ...plots.map(({ node }) => node)),
    readout, samples.node, spoken.node);

  // Someone who closes the page in the middle of a training finds this monitor again, and it goes on moving.
  let isSaved = false;
  function saveOnce(/** @type {State} */ { state, can_stop }) {
    if (isSaved || state !== "running" || !can_stop) return;
    isSaved = true;
    saveNotebook();
  }

  let said = "", spokenAt = 0;
  // Spoken when something is chosen or over, and at most every five seconds while the training runs.
  function speak(/** @type {State} */ state) {
    const isRunning = state.state === "running" && state.cursor === null;
    const now = isRunning ? numbers(state) : `${state.name} ${progress(state)} ${numbers(state)}`;
    if (now === said) return;
    said = now;
    spoken.say(() => {
      spokenAt = Date.now();
      return now;
    }, isRunning ? Math.max(250, spokenAt + PAUSE - Date.now()) : 250);
  }

  function draw() {
    const state = read();
    for (const part of [bar, which, ...plots, samples]) part.show(state);
    readout.textContent = numbers(state);
    el.dataset.state = state.state;
    el.dataset.entries = String(state.entries.length);
    el.dataset.step = String(state.step);
    speak(state);
    saveOnce(state);
  }

  draw();
  return connect({ model, el }, onChange(CHANGING, oncePerFrame(draw)), spoken.stop);
}

export default { render };
