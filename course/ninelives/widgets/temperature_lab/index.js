// The temperature lab, drawn in the browser. Python is asked for the scores after each drawn word.

import { announcer } from "../js/announce.js";
import { html } from "../js/dom.js";
import { visible } from "../js/labels.js";
import { legendKey } from "../js/legend.js";
import { connect, frame, onChange, oncePerFrame, snapshot } from "../js/lifecycle.js";
import { probabilities } from "../js/sampling.js";
import { barTable } from "./bars.js";
import { actButtons } from "./buttons.js";
import { compared, lastDraw, likeliest, notice, reading, triesInWords } from "./in_words.js";
import { scoreOnPage } from "./on_page.js";
import { rowsOf } from "./rows.js";
import { chancesOf, hasEnded, isStale, scoreMemory, theirsOf } from "./scores.js";
import { settingSliders } from "./sliders.js";
import { settingsOf } from "./state.js";
import { textSoFar } from "./text.js";
import { writing } from "./writing.js";

/** @import { RenderContext } from "../js/lifecycle.js" */
/** @import { State } from "./state.js" */

/** @type {(keyof State)[]} */
const CHANGING = ["temperature", "top_k", "top_p", "drawn", "chances", "scores", "yours"];
const LATE = 600; // ms without an answer, after which the lab says that it waits

/** @param {RenderContext<State>} context */
function render({ model, el }) {
  const fixed = snapshot(model, ["vocabulary", "prompt", "end_token", "colours"]);
  const vocabulary = fixed.vocabulary.map(visible), prompt = fixed.prompt.map(visible), V = vocabulary.length;
  const isAlone = !model.widget_manager, cannotRead = isAlone ? model.get("why_no_network") || "" : "", scoresFor = scoreMemory(V);
  const read = () => ({ ...fixed, ...snapshot(model, CHANGING), vocabulary, prompt });
  const present = () => {
    const state = read(), scores = scoresFor(state);
    return { state, scores, isWaiting: isStale(state, scores) };
  };
  frame(el, "nl-temperature-lab", `Temperature lab: a vocabulary of ${V} words`, fixed.colours);

  const redraw = oncePerFrame(draw);
  const writer = writing(model, present, redraw);
  const sliders = settingSliders(model, read), buttons = actButtons(writer, read, !cannotRead);
  const text = textSoFar(), table = barTable(V), spoken = announcer();
  const note = html("p", { className: "nl-notice" }), readout = html("p", { className: "nl-readout" });
  const yours = html("p", { className: "nl-yours" });
  const differsKey = legendKey({ className: "nl-key-yours" }, "yours, where it differs");
  const legend = html("div", { className: "nl-legend" },
    legendKey({ className: "nl-key-mark" }, "at temperature 1, of all words"),
    legendKey({ className: "nl-key-dot" }, "share of the tries"),
    differsKey,
    html("span", {}, "On a slider: Enter draws a word, Backspace steps back."));
  el.replaceChildren(html("div", { className: "nl-bar" }, ...sliders.map(({ node }) => node)),
    text.node, buttons.node, note, readout, table.node, legend, yours, spoken.node);

  function onKey(/** @type {KeyboardEvent} */ event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.key === "Enter" && sliders.some(({ input }) => input === event.target)) buttons.drawOne();
    else if (event.key === "Backspace") buttons.stepBack();
    else return;
    event.preventDefault();
  }
  el.addEventListener("keydown", onKey);

  let isLate = false, lateTimer = 0;
  function watchDelay(/** @type {boolean} */ isWaiting) {
    if (!isWaiting) {
      clearTimeout(lateTimer);
      lateTimer = 0;
      isLate = false;
    } else if (!lateTimer) lateTimer = window.setTimeout(() => { isLate = true; redraw(); }, LATE);
  }

  function draw() {
    const { state, scores, isWaiting } = present(), { temperature, topK, topP } = settingsOf(state);
    const chances = chancesOf(state, scores), unscaled = probabilities(scores, { temperature: 1, topK: V, topP: 1 });
    const settings = [temperature, topK, topP].join(":"), tries = writer.triesAt(`${settings}:${scores.after}`);
    watchDelay(isWaiting);
    const last = lastDraw(state), noticed = notice(state, { isWaiting, isLate, cannotRead }), goesOn = !hasEnded(state);
    const ofChances = goesOn ? reading(chances) : "", next = goesOn ? `Next: ${likeliest(state, scores, chances)}.` : "";
    for (const { show } of sliders) show();
    buttons.show();
    text.show(state);
    const theirs = theirsOf(state, scores), all = probabilities(scores, { temperature, topK: V, topP: 1 });
    table.show(rowsOf(vocabulary, scores.order, chances, unscaled, tries, theirs && { theirs, all }), isWaiting);
    table.node.classList.toggle("nl-ended", !goesOn);
    differsKey.hidden = !theirs;
    note.textContent = noticed;
    readout.replaceChildren(html("span", { className: "nl-where" }, last), ofChances);
    yours.textContent = compared(state, scores, isAlone) ?? yours.textContent;
    el.dataset.drawn = `${settings}:${state.drawn.join()}${isWaiting ? ":stale" : ""}`;
    spoken.say(() => [triesInWords(vocabulary, tries), last, noticed, next, ofChances].filter(Boolean).join(" "));
  }

  if (isAlone && !cannotRead) scoreOnPage(model);
  draw();
  const arrived = () => { redraw(); writer.arrived(); };
  return connect({ model, el }, { ...onChange(CHANGING, redraw), "change:scores": arrived },
    spoken.stop, writer.stop, () => clearTimeout(lateTimer), () => el.removeEventListener("keydown", onKey));
}

export default { render };
