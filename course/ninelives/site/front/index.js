// The front page: one sentence, followed from its words to its pronoun.

import { announcer } from "../../widgets/js/announce.js";
import { html } from "../../widgets/js/dom.js";
import { translation } from "../../widgets/network/translate.js";
import { networkOf } from "../../widgets/network/unpack.js";
import { FIRST_HEAD, headInAddress, linkButton, putInAddress, sentenceInAddress } from "./address.js";
import { nonsense, wrongSentences } from "./failures.js";
import { french } from "./french.js";
import { changed, meaningOf, parsed, textOf } from "./grammar.js";
import { guess } from "./guess.js";
import { headPicker, headTable } from "./head.js";
import { openMask } from "./mask.js";
import { withoutPositions } from "./order.js";
import { sentence } from "./sentence.js";
import { withoutHeads } from "./silence.js";
import { blocks, positions, words } from "./stations.js";
import { surprises } from "./surprise.js";
import { switches } from "./switches.js";
import { typing } from "./typing.js";
import { betterHead, joined, pronounStep, rowInWords, translationInWords } from "./view.js";
import { writing } from "./writing.js";

/** @import { Packed } from "../../widgets/network/unpack.js" */
/** @import { Choice, Lexicon, Part } from "./grammar.js" */
/** @import { View } from "./view.js" */

/** @typedef {{ network: string, lexicon: Lexicon, first: Choice, heldOut: string[], wrong: string[], nonsense: string[], turns: string, colours: View["colours"] }} Data */

/** @param {string} id */
function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`The page has no “${id}”.`);
  return node;
}

/** @param {Record<string, Packed>} networks @param {Data} data */
function start(networks, { network: name, lexicon, first, heldOut, wrong, nonsense: texts, turns, colours }) {
  const network = networkOf({ ...networks[name], language: "English" }), spoken = announcer();
  /** @type {{ choice: Choice | null, text: string, layer: number, head: number, step: number }} */
  const state = { choice: first, text: textOf(lexicon, first), ...FIRST_HEAD, step: -1 };
  let ofMenus = state.text; // the last sentence that had menus
  document.body.append(spoken.node);
  const say = (/** @type {string | null} */ words) => spoken.say(() => words);

  /** @param {Partial<typeof state>} changes */
  function set(changes) {
    Object.assign(state, changes);
    show(viewOf());
  }
  /** @param {number} layer @param {number} head */
  function showHead(layer, head) {
    set({ layer, head });
    putInAddress(state);
    say(byId("reading").textContent);
  }
  /** @param {Part} part @param {string} value */
  function choose(part, value) {
    const choice = changed(lexicon, state.choice ?? first, part, value);
    open(textOf(lexicon, choice), choice, false);
  }
  /** @param {string} text that can be read @param {Choice | null} [choice] @param {boolean} [isStep] a menu is gone through with the arrow keys: that is none */
  function open(text, choice = parsed(lexicon, text), isStep = true) {
    if (choice) ofMenus = text;
    set({ choice, text, step: -1 });
    putInAddress(state, isStep);
    say(byId("reading").textContent);
  }
  /** @returns {View} */
  function viewOf() {
    const { choice, text, layer, head } = state, run = translation(network, text), it = run.english.lastIndexOf("it");
    const pronoun = Math.max(0, pronounStep(run)), step = state.step < 0 ? pronoun : state.step;
    return { network, lexicon, text, choice, meaning: choice && meaningOf(lexicon, choice), run, it: it < 0 ? run.english.length - 1 : it, pronoun, layer, head, step, colours };
  }

  const whose = byId("whose");
  const typed = typing(/** @type {HTMLFormElement} */ (byId("type")), network, open, () => open(ofMenus)), link = linkButton(() => putInAddress(state), say);
  const firstScreen = [sentence(byId("english"), choose), switches(byId("switches"), choice => open(textOf(lexicon, choice), choice)), french(byId("french"), byId("chances")), typed, link];
  const surprise = surprises(lexicon, heldOut, wrong);
  byId("switches").append(html("button", { type: "button", className: "quiet", onclick: () => open(surprise(state.text)) }, "Surprise me"), link.node);
  const picker = headPicker(byId("heads"), showHead);
  const below = [
    writing(byId("step-picture"), byId("step-reading"), step => set({ step }), say),
    withoutPositions(byId("positions-mistake"), say), withoutHeads(byId("heads-mistake"), turns, open, say), openMask(byId("mask-mistake"), say),
  ];
  const stations = { words, positions, head: headTable, blocks };
  const rest = [picker.show, ...Object.entries(stations).map(([name, paint]) => (/** @type {View} */ view) => paint(byId(`${name}-picture`), byId(`${name}-reading`), view)),
    ...below.map(part => part.show)];
  /** @type {View} */
  let latest;
  /** @param {View} view */
  function show(view) {
    for (const part of firstScreen) part.show(view);
    byId("asks").textContent = view.run.english[view.it];
    whose.textContent = `layer ${view.layer + 1}, head ${view.head + 1}`;
    const head = betterHead(view), better = byId("better");
    better.hidden = !head;
    better.textContent = head ? `Show head ${head.h + 1} of layer ${head.l + 1}` : "";
    better.onclick = () => head && showHead(head.l, head.h);
    byId("reading").textContent = `${rowInWords(view)} ${translationInWords(view)}`;
    byId("now").replaceChildren(html("span", {}, `${view.text} → `), html("span", { lang: "fr" }, joined(view.run.french)));
    document.body.dataset.drawn = "first screen";
    latest = view;
    requestAnimationFrame(() => setTimeout(showRest, 0, view)); // after the first screen is painted
  }
  /** One part after another, so that a slow computer can paint and listen between them. @param {View} view @param {number} [k] */
  function showRest(view, k = 0) {
    if (view !== latest) return;
    rest[k]?.(view);
    if (k < rest.length) setTimeout(showRest, 0, view, k + 1);
    else document.body.dataset.drawn = "all";
  }

  show(viewOf());
  guess(byId("guess"), network, lexicon, heldOut, say);
  nonsense(byId("nonsense-mistake"), network, lexicon, texts, say);
  wrongSentences(byId("wrong"), network, lexicon, wrong, text => {
    open(text);
    byId("main").scrollIntoView();
    byId("english").querySelector("select")?.focus({ preventScroll: true });
  }, say);
  const fromAddress = () => {
    if (network.encoder && (sentenceInAddress() || !location.hash)) Object.assign(state, headInAddress(network.encoder.config));
    if (sentenceInAddress()) typed.readFrom(sentenceInAddress());
    else if (!location.hash && state.text !== textOf(lexicon, first)) open(textOf(lexicon, first), first, false);
  };
  addEventListener("hashchange", fromAddress);
  fromAddress();
}

/** @type {any} */
const page = globalThis;
try {
  start(page.nineLivesNetworks, JSON.parse(byId("data").textContent ?? ""));
  document.documentElement.dataset.live = "yes";
} catch (problem) {
  byId("asleep").append(` (${problem instanceof Error ? problem.message : problem})`);
}
