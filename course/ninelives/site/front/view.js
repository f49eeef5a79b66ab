// What the page shows: a sentence, its translation, and where in the network the reader looks.

import { argmax, two } from "../../widgets/js/numbers.js";

/** @import { Network } from "../../widgets/network/unpack.js" */
/** @import { Translation } from "../../widgets/network/translate.js" */
/** @import { Choice, Lexicon, Meaning } from "./grammar.js" */

/**
 * @typedef {object} View
 * @property {Network} network
 * @property {Lexicon} lexicon
 * @property {string} text
 * @property {Choice | null} choice null: typed, and not one of the course's sentences
 * @property {Meaning | null} meaning
 * @property {Translation} run
 * @property {number} it the row that is followed through the network: that of "it"; of the last word where there is none
 * @property {number} pronoun the step that writes "il" or "elle"; the first where none does
 * @property {number} layer of the encoder
 * @property {number} head
 * @property {number} step
 * @property {{ signed: string[], weights: string[] }} colours
 */

export const PRONOUNS = ["il", "elle"];

/** The step that writes a pronoun, or −1. @param {{ french: string[] }} run */
export const pronounStep = run => run.french.findIndex(word => PRONOUNS.includes(word));

/** The probabilities of "il" and of "elle" at a step. @param {View} view @param {number} step */
export const chancesOf = ({ network, run }, step) => PRONOUNS.map(word => run.steps[step].probabilities[network.ids.get(word) ?? 0]);

/** French words as a text; "qu'" stands close to the next. @param {string[]} words */
export const joined = words => words.filter(word => word !== "<end>").join(" ").replaceAll("' ", "'");

/** What the row of "it" in the chosen head says, in words. @param {View} view */
export function rowInWords({ run, layer, head, it, meaning }) {
  const row = run.encoder.layers[layer].weights[head][it], most = argmax(row), step = pronounStep(run);
  const says = `In head ${head + 1} of layer ${layer + 1}, “${run.english[it]}” attends most to “${run.english[most]}”, with a weight of ${two(row[most])}.`;
  if (!meaning || run.english[most] === meaning.noun) return says;
  return `${says} That is not what “it” stands for: this head does not show it here${run.french[step] === meaning.pronoun ? "; the network has the answer elsewhere" : ""}.`;
}

/** What the network wrote, and whether it is right, in words. @param {View} view */
export function translationInWords(view) {
  const { run, meaning } = view, step = pronounStep(run);
  if (step < 0) return `The French is “${run.text}”. It has no pronoun.`;
  const pronoun = run.french[step], p = two(run.steps[step].probabilities[run.steps[step].id]);
  if (!meaning) return `The French has “${pronoun}”, with a probability of ${p}. This is not one of the course's sentences, so the page does not know what is right.`;
  const right = `“It” is the ${meaning.noun}, and French says “${meaning.pronoun}”`;
  return meaning.pronoun === pronoun ? `${right}: so does the network, with a probability of ${p}.`
    : `${right}. The network says “${pronoun}”, with a probability of ${p}: it is wrong here.`;
}
