// The front page: one sentence, followed from its words to its pronoun.

import { announcer } from "../../widgets/js/announce.js";
import { html } from "../../widgets/js/dom.js";
import { translation } from "../../widgets/network/translate.js";
import { networkOf } from "../../widgets/network/unpack.js";
import { french } from "./french.js";
import { changed, meaningOf, parsed, textOf } from "./grammar.js";
import { guess } from "./guess.js";
import { headPicker, headTable } from "./head.js";
import { openMask, withoutHeads, withoutPositions } from "./mistakes.js";
import { sentence, switches } from "./sentence.js";
import { blocks, positions, words } from "./stations.js";
import { joined, pronounStep, rowInWords, translationInWords } from "./view.js";
import { writing } from "./writing.js";

/** @import { Packed } from "../../widgets/network/unpack.js" */
/** @import { Choice, Lexicon, Part } from "./grammar.js" */
/** @import { View } from "./view.js" */

/** @typedef {{ lexicon: Lexicon, first: Choice, heldOut: string[], colours: View["colours"] }} Data */

/** @param {string} id */
function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`The page has no “${id}”.`);
  return node;
}

/** @param {Packed} packed @param {Data} data */
function start(packed, { lexicon, first, heldOut, colours }) {
  const network = networkOf(packed), spoken = announcer();
  /** @type {{ choice: Choice | null, text: string, layer: number, head: number, step: number }} */
  const state = { choice: first, text: textOf(lexicon, first), layer: 1, head: 3, step: -1 };
  document.body.append(spoken.node);
  const say = (/** @type {string | null} */ words) => spoken.say(() => words);

  /** @param {Partial<typeof state>} changes */
  function set(changes) {
    Object.assign(state, changes);
    show(viewOf());
  }
  /** @param {Part} part @param {string} value */
  function choose(part, value) {
    const choice = changed(lexicon, state.choice ?? first, part, value);
    set({ choice, text: textOf(lexicon, choice), step: -1 });
    say(byId("reading").textContent);
  }
  /** @returns {View} */
  function viewOf() {
    const { choice, text, layer, head } = state, run = translation(network, text), it = run.english.lastIndexOf("it");
    const pronoun = Math.max(0, pronounStep(run)), step = state.step < 0 ? pronoun : state.step;
    return { network, lexicon, text, choice, meaning: choice && meaningOf(lexicon, choice), run, it: it < 0 ? run.english.length - 1 : it, pronoun, layer, head, step, colours };
  }

  const whose = byId("whose");
  const firstScreen = [sentence(byId("english"), choose), switches(byId("switches"), choose), french(byId("french"), byId("chances"))];
  const below = [
    headPicker(byId("heads"), (layer, head) => {
      set({ layer, head });
      say(byId("reading").textContent);
    }),
    writing(byId("step-picture"), byId("step-reading"), step => set({ step }), say),
    withoutPositions(byId("positions-mistake"), say), withoutHeads(byId("heads-mistake"), say), openMask(byId("mask-mistake"), say),
  ];
  const stations = { words, positions, head: headTable, blocks };
  let waiting = 0;
  /** @param {View} view */
  function show(view) {
    for (const part of firstScreen) part.show(view);
    whose.textContent = `layer ${view.layer + 1}, head ${view.head + 1}`;
    byId("reading").textContent = `${rowInWords(view)} ${translationInWords(view)}`;
    byId("now").replaceChildren(html("span", {}, `${view.text} → `), html("span", { lang: "fr" }, joined(view.run.french)));
    clearTimeout(waiting);
    document.body.dataset.drawn = "first screen";
    waiting = window.setTimeout(showBelow, 0, view); // the first screen is painted before the rest is computed
  }
  /** @param {View} view */
  function showBelow(view) {
    for (const part of below) part.show(view);
    for (const [name, paint] of Object.entries(stations)) paint(byId(`${name}-picture`), byId(`${name}-reading`), view);
    document.body.dataset.drawn = "all";
  }

  const form = /** @type {HTMLFormElement} */ (byId("type")), field = /** @type {HTMLInputElement} */ (byId("typed")), error = byId("error"), back = byId("menus");
  const forgive = () => {
    error.textContent = "";
    field.removeAttribute("aria-invalid");
  };
  form.onsubmit = event => {
    event.preventDefault();
    const typed = field.value.replace(/[.,;:!?]/g, " ").trim().replace(/\s+/g, " "); // the network knows no marks
    try {
      translation(network, typed);
    } catch (problem) {
      error.textContent = problem instanceof Error ? problem.message : String(problem);
      field.setAttribute("aria-invalid", "true");
      return;
    }
    forgive();
    set({ choice: parsed(lexicon, typed), text: typed, step: -1 });
    back.hidden = Boolean(state.choice);
    say(byId("reading").textContent);
  };
  back.onclick = () => {
    back.hidden = true;
    forgive();
    set({ choice: first, text: textOf(lexicon, first), step: -1 });
  };
  show(viewOf());
  guess(byId("guess"), network, lexicon, heldOut, say);
}

/** @type {any} */
const page = globalThis;
try {
  start(page.nineLivesNetworks.translator, JSON.parse(byId("data").textContent ?? ""));
  document.documentElement.dataset.live = "yes";
} catch (problem) {
  byId("asleep").append(` (${problem instanceof Error ? problem.message : problem})`);
}
