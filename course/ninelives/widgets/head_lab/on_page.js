// On a page without Python, the network that the page carries computes. Python computes the same; see translate.py.

import { numberRepeats } from "../js/labels.js";
import { assign } from "../js/lifecycle.js";
import { ablation, attendedTo, differenceOf, gradientTimesInput, occlusion, patching, wordChoice } from "../network/causes.js";
import { networkNamed, warmUp } from "../network/on_page.js";
import { readBoth, translation, translationOf } from "../network/translate.js";
import { key } from "./changes.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { WordChoice } from "../network/causes.js" */
/** @import { Translation } from "../network/translate.js" */
/** @import { Network } from "../network/unpack.js" */
/** @import { Answer, State } from "./changes.js" */

const REMARK = "This page does not check whether a sentence is of the grammar from which the translator learned.";
const WHOSE = "This page computes it with weights rounded to float16 and measures gradient × input by central differences.";
const NOTHING = /** @type {Pick<State, "words" | "other" | "other_answer" | "of_words" | "of_heads">} */ (
  { words: [], other: "", other_answer: "", of_words: {}, of_heads: {} });

/** A sentence with its translation and the choice in it. @typedef {{ run: Translation, choice: WordChoice | null }} Read */

/** Answer whenever the text or the changes are others. @param {Model<State>} model */
export function computeOnPage(model) {
  const network = () => networkNamed(model.get("network") ?? ""), whose = model.get("whose");
  const pair = () => /** @type {[number, number]} */ (model.get("pair").map(word => network().ids.get(word)));
  /** @type {{ text: string, here: Read, other: Read | null } | null} */
  let known = null;
  function readNow(/** @type {string} */ text) {
    const other = swapped(text);
    known = { text, here: readText(network(), text, pair()), other: other ? readText(network(), other, pair()) : null };
    return known;
  }
  function translate() {
    const text = model.get("text");
    let found = NOTHING, error = "";
    /** @type {State["answers"]} */
    let answers = {};
    try {
      const { here, other } = readNow(text);
      found = causesOf(network(), here, other, swapped(text));
      answers = { "": changed(network(), here, other, { hidden: [], out: [], patched: [] }) };
    } catch (problem) {
      error = problem instanceof Error ? problem.message : String(problem);
    }
    assign(model, { hidden: [], out: [], patched: [], ...found, ...(found.of_heads.patched ? {} : { mode: "out" }) });
    assign(model, { answers, error, remark: error ? "" : REMARK, whose: `${whose} ${WHOSE}`.trim(), answered: text });
  }
  function answer() {
    const text = model.get("answered"), changes = { hidden: model.get("hidden"), out: model.get("out"), patched: model.get("patched") };
    const name = key(changes);
    if (model.get("error") || model.get("text") !== text || Object.hasOwn(model.get("answers"), name)) return;
    const { here, other } = known?.text === text ? known : readNow(text);
    assign(model, { answers: { ...model.get("answers"), [name]: changed(network(), here, other, changes) } });
  }
  model.on("change:text", translate);
  for (const name of ["hidden", "out", "patched"]) model.on(`change:${name}`, answer);
  warmUp(model.get("network") ?? "", () => { readNow(model.get("answered")); });
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

/** The traits of a sentence that depend on nothing that is pressed. @param {Network} network @param {Read} here @param {Read | null} other @param {string} text of the other */
export function causesOf(network, { run, choice }, other, text) {
  const found = { ...NOTHING, words: numberRepeats(run.english), ...(other && { other: text, other_answer: other.run.text }) };
  if (!choice) return found;
  const isSame = other?.choice && other.choice.before.length === choice.before.length;
  return {
    ...found,
    of_words: {
      occlusion: rounded(occlusion(network, choice)), gradient: rounded(gradientTimesInput(network, choice)),
      attention: rounded(attendedTo(network, choice)),
    },
    of_heads: {
      out: rounded(ablation(network, choice)), ...(isSame && { patched: rounded(patching(network, choice, traces(network, other))) }),
    },
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
    difference: choice && rounded([differenceOf(network, choice, changes)])[0],
  };
}

/** Of the other sentence with its answer, which goes on in case the answer to this one becomes longer. @param {Network} network @param {Read} other */
function traces(network, { run: { ids, steps } }) {
  const written = steps.map(({ id }) => id), most = network.decoder.config.block_size;
  return readBoth(network, ids, [...written, ...Array.from({ length: most - written.length }, () => network.end)]);
}

/** Five decimals. @param {number[]} numbers */
const rounded = numbers => numbers.map(x => Math.round(1e5 * x) / 1e5);
