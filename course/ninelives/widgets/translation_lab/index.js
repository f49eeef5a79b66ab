// The translation lab, drawn in the browser. Python translates, or the network that a page carries; how the translation is written is drawn here.

import { announcer } from "../js/announce.js";
import { ask, NEVER_IN_DOUBT } from "../js/ask.js";
import { html } from "../js/dom.js";
import { assign, connect, frame, onChange, oncePerFrame, snapshot } from "../js/lifecycle.js";
import { range } from "../js/numbers.js";
import { slider } from "../js/slider.js";
import { translateOnPage } from "./on_page.js";
import { player } from "./player.js";
import { readout } from "./readout.js";
import { tiles } from "./tiles.js";
import { clamped, drawnState, headName, isWaiting } from "./translation.js";

/** @import { RenderContext } from "../js/lifecycle.js" */
/** @import { State } from "./translation.js" */

/** @type {(keyof State)[]} */
const CHANGING = ["error", "whose", "english", "french", "weights", "likely", "step", "view"];

/** @param {RenderContext<State>} context */
function render({ model, el }) {
  const read = () => clamped(snapshot(model, [...CHANGING, "text", "answered", "translation", "heads"]));
  const [L, H] = model.get("heads"), hasPython = Boolean(model.send), canTranslate = hasPython || Boolean(model.get("network"));
  let playsNext = false; // once Python has answered
  frame(el, "nl-translation-lab", "Translation lab", model.get("colours"));

  const question = ask(model.get("text"), canTranslate, translate);
  const playing = player({
    step: () => read().step, last: () => model.get("french").length, write: step => assign(model, { step }), changed: () => draw(),
  });
  // The step comes first: to stop draws, and would put the slider back, so that the next key of the same frame started there.
  const goTo = (/** @type {number} */ step) => { assign(model, { step }); playing.stop(); };
  const said = () => `${read().step} of ${read().french.length}`;
  const written = slider({
    name: "Words written", limits: { min: 0, max: 1, step: 1 }, read: () => read().step, write: goTo, say: said, spoken: () => `${said()} words`,
  });
  const again = html("button", { type: "button", onclick: () => (playing.isPlaying() ? playing.stop() : playing.play()) });
  const chooser = html("select", { "aria-label": "Head", onchange: () => assign(model, { view: Number(chooser.value) }) },
    ...range(L * H + 1).map(k => html("option", { value: k - 1 }, headName(H, k - 1))));
  const steps = html("div", { className: "nl-bar nl-steps" }, written.node, again,
    html("label", { className: "nl-slider" }, html("span", { className: "nl-name" }, "Attention"), chooser));

  const words = tiles(goTo), last = readout(), spoken = announcer();
  const texts = html("div", { className: "nl-texts" },
    html("h2", {}, "English, and how much the word that is being written attends to it"), words.english,
    html("h2", {}, "French"), words.french, ...last.nodes);
  const error = html("p", { className: "nl-error", role: "alert" }), whose = html("p", { className: "nl-yours" });
  const note = canTranslate ? NEVER_IN_DOUBT : `${model.get("why_no_network")} Run the notebook to translate other sentences.`;
  const body = html("div", {}, steps, texts, whose);
  el.replaceChildren(question.node, html("p", { className: "nl-note" }, note), error, body, spoken.node);

  function translate(/** @type {string} */ text) {
    if (text === model.get("answered")) {
      playing.play();
      return;
    }
    playsNext = true;
    assign(model, { text });
  }

  let wasThere = false;
  function draw() {
    const state = read(), isThere = state.french.length > 0;
    error.hidden = !state.error || isWaiting(state);
    // What was there before an error stays, so that the page does not jump; it cannot be used.
    wasThere = isThere || wasThere && state.error !== "";
    body.hidden = !wasThere;
    body.inert = !isThere;
    error.textContent = error.hidden ? "" : `${state.error}${wasThere ? " Below is the sentence before." : ""}`;
    el.dataset.drawn = drawnState(state);
    spoken.say(news, 300);
    if (!isThere) return;
    whose.textContent = state.whose;
    written.input.max = String(state.french.length);
    written.show();
    again.textContent = playing.isPlaying() ? "Stop" : "Write it again";
    chooser.value = String(state.view);
    words.show(state);
    last.show(state);
  }

  /** What is spoken: the whole translation while it is being written, and then each step that is chosen. */
  function news() {
    const { error, step, french, translation } = read();
    if (error) return "";
    if (playing.isPlaying() || step === french.length) return `Translation: ${translation}`;
    return step ? last.text() : "";
  }

  const redraw = oncePerFrame(draw);
  function answered() {
    const { error } = read();
    if (playsNext && !isWaiting(read())) {
      playsNext = false;
      if (!error) return playing.play();
    }
    redraw();
  }
  function asked() {
    question.show(model.get("text"));
    redraw();
  }

  if (canTranslate && !hasPython) translateOnPage(model);
  draw();
  return connect({ model, el }, { ...onChange(CHANGING, redraw), "change:answered": answered, "change:text": asked }, playing.forget, spoken.stop);
}

export default { render };
