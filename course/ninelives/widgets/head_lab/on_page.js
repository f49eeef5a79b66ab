// On a page without Python, the network that the page carries computes. Python computes the same; see translate.py.

import { numberRepeats } from "../js/labels.js";
import { assign } from "../js/lifecycle.js";
import { inSteps } from "../js/steps.js";
import { ablation, attendedTo, differenceOf, gradientTimesInput, headCount, occlusion, patching, wordChoice } from "../network/causes.js";
import { networkNamed, warmUp } from "../network/on_page.js";
import { readBoth, translation, translationOf } from "../network/translate.js";
import { key } from "./changes.js";
import { progress } from "./in_words.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { WordChoice } from "../network/causes.js" */
/** @import { Translation } from "../network/translate.js" */
/** @import { Network } from "../network/unpack.js" */
/** @import { Answer, State } from "./changes.js" */

const WHOSE = "This page computes it with weights rounded to float16 and measures gradient × input by central differences.";

/** A sentence with its translation and the choice in it. @typedef {{ run: Translation, choice: WordChoice | null }} Read */
/** A sentence and, once it is read, the one with its nouns swapped; null where there is none. @typedef {{ text: string, here: Read, other?: Read | null }} Known */

/** Answer whenever the text or the changes are others. @param {Model<State>} model @returns {() => void} stops it */
export function computeOnPage(model) {
  const network = () => networkNamed(model.get("network") ?? ""), whose = model.get("whose");
  const pair = () => /** @type {[number, number]} */ (model.get("pair").map(word => network().ids.get(word)));
  const read = (/** @type {string} */ text) => readText(network(), text, pair());
  let stop = () => {};
  /** @type {Known | null} */
  let known = null;
  function hereOf(/** @type {string} */ text) {
    if (known?.text !== text) known = { text, here: read(text) };
    return known;
  }
  function bothOf(/** @type {string} */ text) {
    const here = hereOf(text), swappedText = swapped(text);
    if (here.other === undefined) here.other = swappedText ? read(swappedText) : null;
    return { here: here.here, other: here.other };
  }
  function translate() {
    const text = model.get("text");
    stop();
    /** @type {Pick<State, "words" | "other" | "other_answer" | "of_words" | "of_heads" | "answers">} */
    let found = { words: [], other: "", other_answer: "", of_words: {}, of_heads: {}, answers: {} };
    let error = "", measuring = "";
    try {
      const { run, choice } = hereOf(text).here;
      found = { ...found, ...atOnce(run, choice), other: swapped(text) };
      measuring = choice ? progress(0, 0) : "";
      stop = inSteps(measure(text));
    } catch (problem) {
      error = problem instanceof Error ? problem.message : String(problem);
    }
    assign(model, { hidden: [], out: [], patched: [], ...found, measuring });
    assign(model, { error, remark: error ? "" : model.get("remark_on_page") ?? "", whose: `${whose} ${WHOSE}`.trim(), answered: text });
  }
  function* measure(/** @type {string} */ text) {
    const { here: { choice }, other } = bothOf(text), canPatch = choice && other?.choice?.before.length === choice.before.length;
    assign(model, { other_answer: other?.run.text ?? "", ...(canPatch ? {} : { mode: "out" }) });
    if (!choice) return;
    yield;
    /** @type {[keyof State & ("of_words" | "of_heads"), string, number, Iterable<number>][]} */
    const lists = [
      ["of_words", "occlusion", choice.ids.length, occlusion(network(), choice)],
      ["of_heads", "out", headCount(network()), ablation(network(), choice)],
      ["of_words", "gradient", choice.ids.length, gradientTimesInput(network(), choice)],
    ];
    if (canPatch) lists.push(["of_heads", "patched", headCount(network()), patching(network(), choice, traces(network(), other))]);
    const total = lists.reduce((sum, [, , count]) => sum + count, 0);
    let done = 0;
    for (const [trait, name, , numbers] of lists) {
      const list = [];
      for (const number of numbers) {
        list.push(rounded(number));
        done += 1;
        assign(model, { measuring: progress(done, total) });
        yield;
      }
      assign(model, { [trait]: { ...model.get(trait), [name]: list } });
    }
    assign(model, { measuring: "" });
  }
  function answer() {
    const text = model.get("answered"), changes = { hidden: model.get("hidden"), out: model.get("out"), patched: model.get("patched") };
    const name = key(changes);
    if (model.get("error") || model.get("text") !== text || Object.hasOwn(model.get("answers"), name)) return;
    const { here, other } = bothOf(text);
    assign(model, { answers: { ...model.get("answers"), [name]: changed(network(), here, other, changes) } });
  }
  model.on("change:text", translate);
  for (const name of ["hidden", "out", "patched"]) model.on(`change:${name}`, answer);
  warmUp(model.get("network") ?? "", () => { bothOf(model.get("answered")); });
  return () => stop();
}

/** The sentence with the words after its first two "the" swapped; empty where there are no two, or they are the same. @param {string} text */
export function swapped(text) {
  const words = text.trim().replace(/\.$/, "").toLowerCase().split(/\s+/);
  const [first, second] = words.map((word, k) => (word === "the" && k + 1 < words.length ? k + 1 : 0)).filter(Boolean);
  if (!second || words[first] === words[second]) return "";
  [words[first], words[second]] = [words[second], words[first]];
  return words.join(" ");
}

/** @param {Network} network @param {string} text @param {[number, number]} pair @returns {Read} */
export function readText(network, text, pair) {
  const run = translation(network, text);
  return { run, choice: wordChoice(run.ids, run.steps.map(({ id }) => id), pair) };
}

/** What is known of a sentence once it is translated. @param {Translation} run @param {WordChoice | null} choice */
function atOnce(run, choice) {
  const { english, french, text, steps } = run, at = choice?.before.length ?? 0, words = numberRepeats(english);
  const [one, other] = choice ? choice.pair.map(id => steps[at].logits[id]) : [];
  return {
    words, of_words: choice ? { attention: attendedTo(run, at).map(rounded) } : {},
    answers: { "": { french: french.filter(word => word !== "<end>"), text, difference: choice && rounded(one - other) } },
  };
}

/** The translation and the difference where words are hidden and heads changed. @param {Network} network @param {Read} here @param {Read | null} other @param {Pick<State, "hidden" | "out" | "patched">} pressed @returns {Answer} */
export function changed(network, { run, choice }, other, { hidden, out, patched }) {
  const changes = {
    out, patched, share: (/** @type {number} */ word) => (hidden.includes(word) ? 0 : 1),
    ...(other && patched.length && { other: traces(network, other) }),
  };
  const { french, text } = translationOf(network, run.ids, changes);
  return {
    french: french.filter(word => word !== "<end>"), text,
    difference: choice && rounded(differenceOf(network, choice, changes)),
  };
}

/** Of the other sentence with its answer, which goes on in case the answer to this one becomes longer. @param {Network} network @param {Read} other */
function traces(network, { run: { ids, steps } }) {
  const written = steps.map(({ id }) => id), most = network.decoder.config.block_size;
  return readBoth(network, ids, [...written, ...Array.from({ length: most - written.length }, () => network.end)]);
}

/** Five decimals. @param {number} x */
const rounded = x => Math.round(1e5 * x) / 1e5;
