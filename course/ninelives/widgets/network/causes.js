// What an answer depends on: words hidden, heads taken out or patched in, gradients. Python says the same; see model/causes.py.
// Each number takes a pass through the network, and is given as soon as it is there, so that a page can do something else between two.

import { range } from "../js/numbers.js";
import { logitsAt, readBoth } from "./translate.js";

/** @import { Changes, Traces, Translation } from "./translate.js" */
/** @import { Network } from "./unpack.js" */

/** A choice between two words, after P words and those written before it. @typedef {{ ids: number[], before: number[], pair: [number, number] }} WordChoice */

const STEP = 0.001; // of central differences

/** The first choice between two words in an answer; null where it has neither, or begins with one. @param {number[]} ids @param {number[]} answer @param {[number, number]} pair @returns {WordChoice | null} */
export function wordChoice(ids, answer, pair) {
  const first = answer.findIndex(id => pair.includes(id));
  return first > 0 ? { ids, before: answer.slice(0, first), pair } : null;
}

/** log p(one) − log p(other) of the next word. @param {Network} network @param {WordChoice} choice @param {Changes} [changes] */
export function differenceOf(network, { ids, before, pair: [one, other] }, changes) {
  const { decoder } = readBoth(network, ids, before, changes), logits = logitsAt(network, decoder, decoder.output.length - 1);
  return logits[one] - logits[other];
}

/** How much of the difference is lost after each of some changes. @param {Network} network @param {WordChoice} choice @param {Changes[]} changes */
function* lost(network, choice, changes) {
  const whole = differenceOf(network, choice);
  for (const change of changes) yield whole - differenceOf(network, choice, change);
}

/** The word at a position has a share of its vector, all others all of theirs. @param {number} position @param {number} share */
const faded = (position, share) => ({ share: (/** @type {number} */ word) => (word === position ? share : 1) });

/** How much is lost without each word. @param {Network} network @param {WordChoice} choice */
export const occlusion = (network, choice) => lost(network, choice, choice.ids.map((_, k) => faded(k, 0)));

/**
 * The dot product of each word's vector and the gradient of the difference in it. It is the derivative of the difference
 * when the vector grows, measured by central differences, since a page has no backward pass.
 * @param {Network} network
 * @param {WordChoice} choice
 */
export function* gradientTimesInput(network, choice) {
  for (const k of choice.ids.keys()) {
    const grown = differenceOf(network, choice, faded(k, 1 + STEP)), shrunk = differenceOf(network, choice, faded(k, 1 - STEP));
    yield (grown - shrunk) / (2 * STEP);
  }
}

/** How many heads all layers have. @param {Network} network */
export const headCount = ({ encoder, decoder }) =>
  [encoder, decoder].reduce((sum, part) => sum + (part ? part.config.n_layer * part.config.n_head : 0), 0);

/** How much is lost without each head. @param {Network} network @param {WordChoice} choice */
export const ablation = (network, choice) => lost(network, choice, range(headCount(network)).map(k => ({ out: [k] })));

/** How much is lost if each head says what it says in another sentence. @param {Network} network @param {WordChoice} choice @param {Traces} other */
export const patching = (network, choice, other) => lost(network, choice, range(headCount(network)).map(k => ({ patched: [k], other })));

/** What the decoder's heads attended to when a word was written, on average: a weight for each of the P words. @param {Translation} run @param {number} step of the word */
export function attendedTo({ ids, decoder, steps }, step) {
  const rows = decoder.layers.flatMap(({ weights }) => weights.map(head => head[steps[step].row]));
  return ids.map((_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length);
}
