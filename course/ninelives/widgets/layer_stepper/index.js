// The layer stepper, drawn in the browser.

import { announcer } from "../js/announce.js";
import { html } from "../js/dom.js";
import { onKeys } from "../js/keys.js";
import { visible } from "../js/labels.js";
import { assign, connect, frame, onChange, oncePerFrame, snapshot } from "../js/lifecycle.js";
import { clamp, counted, two } from "../js/numbers.js";
import { heading, likelyWords, reading } from "./in_words.js";
import { likelyTable } from "./likely.js";
import { stage } from "./stage.js";
import { strips } from "./strips.js";
import { clamped, wayOf } from "./way.js";

/** @import { RenderContext } from "../js/lifecycle.js" */
/** @import { State } from "./way.js" */

/** @type {(keyof State)[]} */
const FIXED = ["words", "stations", "shapes", "sizes", "largest", "lengths", "ends", "likely", "colours", "note"];
/** @type {(keyof State)[]} */
const CHANGING = ["station", "token"];

/** @param {RenderContext<State>} context */
function render({ model, el }) {
  const read = () => clamped(snapshot(model, [...FIXED, ...CHANGING]));
  const { words, stations, sizes, colours, note } = read(), N = stations.length;
  frame(el, "nl-layer-stepper", `Layer stepper: ${counted(sizes.blocks, "block")}, ${counted(words.length, "word")}`, colours);

  function choose(/** @type {"station" | "token"} */ trait, /** @type {number} */ value, /** @type {number} */ count) {
    const to = clamp(value, 0, count - 1);
    if (to !== model.get(trait)) assign(model, { [trait]: to });
  }
  const goTo = (/** @type {number} */ station) => choose("station", station, N);

  const back = html("button", { type: "button", onclick: () => goTo(read().station - 1) }, "← Back");
  const next = html("button", { type: "button", onclick: () => goTo(read().station + 1) }, "Next →");
  const where = html("span", { className: "nl-where" });
  const key = (/** @type {string} */ name) => html("kbd", {}, name);
  const help = html("span", { className: "nl-help nl-quiet" }, key("←"), key("→"), " station, ", key("↑"), key("↓"), " word");
  const way = stage(read(), goTo, token => choose("token", token, words.length), read);
  const readout = html("p", { className: "nl-readout" });
  const vectors = strips(colours, wayOf({ sizes, numbers: model.get("numbers") })), table = likelyTable(), spoken = announcer();
  const steps = html("div", { className: "nl-steps" }, back, next);
  onKeys(steps, way.keys);
  el.replaceChildren(
    html("div", { className: "nl-bar" }, steps, where, help),
    way.node, readout, ...vectors.nodes, ...table.nodes, html("p", { className: "nl-note" }, note), spoken.node);

  function draw() {
    const state = named(read()), { station, token } = state;
    for (const [button, isAtItsEnd] of /** @type {const} */ ([[back, station === 0], [next, station === N - 1]])) {
      // A disabled button hears no key.
      if (isAtItsEnd && button.matches(":focus")) way.node.focus();
      button.disabled = isAtItsEnd;
    }
    where.textContent = `Station ${station + 1} of ${N}: ${stations[station]}, ${state.shapes[station]}`;
    readout.textContent = reading(state);
    for (const part of [way, vectors, table]) part.show(state);
    el.dataset.drawn = `${station}:${token}`;
    spoken.say(() => {
      const likely = likelyWords(state, station).map(([word, value]) => `${visible(word)} ${two(value)}`).join(", ");
      return `${where.textContent}. ${reading(state)} ${heading(state)} ${likely}.`;
    });
  }

  draw();
  return connect({ model, el }, onChange(CHANGING, oncePerFrame(draw)), spoken.stop);
}

/** The state with words in which nothing is invisible. @param {State} state */
const named = state => ({ ...state, words: state.words.map(visible) });

export default { render };
