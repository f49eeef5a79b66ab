// What the page shows: a sentence, its translation, and where in the network the reader looks.

import { argmax, two } from "../../widgets/js/numbers.js";
import { frenchOf, inEnglish } from "./in_french.js";

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
export const LOOKS = 0.5; // a weight above which a head is said to look at a word

/** The step that writes a pronoun, or −1. @param {{ french: string[] }} run */
export const pronounStep = run => run.french.findIndex(word => PRONOUNS.includes(word));

/** The probabilities of "il" and of "elle" at a step. @param {View} view @param {number} step */
export const chancesOf = ({ network, run }, step) => PRONOUNS.map(word => run.steps[step].probabilities[network.ids.get(word) ?? 0]);

/** French words as a text; "qu'" stands close to the next. @param {string[]} words */
export const joined = words => words.filter(word => word !== "<end>").join(" ").replaceAll("' ", "'");

/** What the row of "it" in the chosen head says, in words. @param {View} view */
export function rowInWords(view) {
  const { run, layer, head, it } = view, row = run.encoder.layers[layer].weights[head][it], most = argmax(row);
  return `In head ${head + 1} of layer ${layer + 1}, “${run.english[it]}” attends most to ${wordAtPosition(run, most)}, with a weight of ${two(row[most])}.${whereNotMeant(view)}`;
}

/** A word, with its position where the sentence has it twice. @param {Translation} run @param {number} k */
export const wordAtPosition = ({ english }, k) =>
  english.indexOf(english[k]) === english.lastIndexOf(english[k]) ? `“${english[k]}”` : `“${english[k]}” at position ${k}`;

/** A sentence, after a space, for a head in which "it" attends most to a word that it does not stand for. @param {View} view */
export function whereNotMeant({ run, layer, head, it, meaning }) {
  const most = argmax(run.encoder.layers[layer].weights[head][it]);
  if (!meaning || run.english[most] === meaning.noun) return "";
  const best = bestOf(lookingAtNoun({ run, it, meaning }));
  return ` But “it” stands for “${meaning.noun}”. ${best.weight > LOOKS ? `Head ${best.h + 1} of layer ${best.l + 1} attends to that: ${two(best.weight)}.` : `No head gives that more than ${two(best.weight)}.`}`;
}

/** The head of each layer in which "it" gives most to the noun that it stands for. @param {Pick<View, "run" | "it" | "meaning">} view with a meaning */
export const lookingAtNoun = ({ run, it, meaning }) =>
  run.encoder.layers.map(({ weights }, l) => bestOf(weights.map((rows, h) => ({ l, h, weight: rows[it][run.english.indexOf(meaning?.noun ?? "")] }))));

/** @param {{ l: number, h: number, weight: number }[]} heads */
const bestOf = heads => heads.reduce((a, b) => (b.weight > a.weight ? b : a));

/** The head that attends to the noun where the chosen one does not, or null. @param {View} view */
export function betterHead(view) {
  const best = view.meaning && bestOf(lookingAtNoun(view));
  return best && whereNotMeant(view) && best.weight > LOOKS ? best : null;
}

/** What the network wrote, and whether it is right, in words. @param {View} view */
export function translationInWords(view) {
  const { run, meaning, choice, lexicon } = view, said = run.french[pronounStep(run)];
  if (meaning && choice) {
    const looks = said && said !== meaning.pronoun && bestOf(lookingAtNoun(view)).weight > LOOKS;
    return `${judgement(run, meaning, splitFrench(frenchOf(lexicon, choice)))}${looks ? " A head looks at the right noun, and still the pronoun is wrong: it depends on all that the heads and layers make of “it” together." : ""}`;
  }
  const back = inEnglish(lexicon, run.text);
  const no = "This is no sentence of the grammar that the network has learned";
  if (back && back === run.english.join(" ")) return `${no}, and yet its French says just this.`;
  return `${no}, and it has no way to say “I do not know”. ${back ? `Its French says “${back}”.` : run.text ? "Its French is none either." : "It writes no word."}`;
}

/** Whether a translation is right, and what is wrong with it. @param {Translation} run @param {Meaning} meaning @param {string[]} right the French words that are right */
export function judgement(run, { noun, other, pronoun, otherPronoun }, right) {
  const step = pronounStep(run), said = run.french[step], isRight = joined(run.french) === joined(right);
  const needs = `${other ? "In the course's grammar “it”" : "“It”"} is the ${noun}, and French says “${pronoun}”`, p = step < 0 ? "" : two(run.steps[step].probabilities[run.steps[step].id]);
  if (step < 0) return `${needs}. The network has written neither “il” nor “elle”: it is wrong here.`;
  if (said !== pronoun) return `${needs}. The network says “${said}”, with a probability of ${p}${otherPronoun === said ? `, as if “it” were the ${other}` : ""}: it is wrong here.`;
  const so = `${needs}: so does the network, with a probability of ${p}`;
  if (isRight) return `${so}.${otherPronoun === pronoun ? ` But “${pronoun}” fits the ${other} too, so the pronoun alone shows nothing.` : ""}`;
  const k = right.findIndex((word, j) => run.french[j] !== word);
  return `${so}. But it is wrong elsewhere: it says “${run.french[k]}” where “${right[k]}” is right.`;
}

/** The words of a French text; "qu'" is one. @param {string} text */
export const splitFrench = text => text.replaceAll("'", "' ").split(" ");
