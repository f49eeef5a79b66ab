// On a page without Python, the network that the page carries translates. Python computes the same; see translate.py.

import { numberRepeats } from "../js/labels.js";
import { assign } from "../js/lifecycle.js";
import { networkNamed, warmUp } from "../network/on_page.js";
import { likeliestOf, square, translation } from "../network/translate.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { Network } from "../network/unpack.js" */
/** @import { State } from "./translation.js" */

const LIKELY = 3; // candidates of each word

/** Translate whenever the text changes. @param {Model<State>} model */
export function translateOnPage(model) {
  model.on("change:text", () => {
    const text = model.get("text");
    let answer = NOTHING, error = "";
    try {
      answer = { ...translated(networkNamed(model.get("network") ?? ""), text), whose: model.get("whose_on_page") ?? "" };
    } catch (problem) {
      error = problem instanceof Error ? problem.message : String(problem);
    }
    assign(model, { step: 0, ...answer, error });
    assign(model, { step: answer.french.length, answered: text });
  });
  warmUp(model.get("network") ?? "", network => translated(network, model.get("answered")));
}

/** @typedef {Pick<State, "english" | "french" | "translation" | "weights" | "likely">} Answer */

const NOTHING = /** @type {Answer & { whose: string }} */ ({ english: [], french: [], translation: "", weights: [], likely: [], whose: "" });

/** @param {Network} network @param {string} text @returns {Answer} */
export function translated(network, text) {
  const { english, french, text: written, steps, decoder } = translation(network, text);
  const columns = english.length + french.length;
  return {
    english: numberRepeats(english), french, translation: written,
    weights: decoder.layers.map(({ weights }) =>
      weights.map(rows => square(steps.map(({ row }) => rows[row]), columns, 0).map(row => [...row].map(rounded)))),
    likely: steps.map(step => likeliestOf(network, step, LIKELY).map(({ word, p }) => [word, rounded(p)])),
  };
}

/** Four decimals. @param {number} x */
const rounded = x => Math.round(1e4 * x) / 1e4;
