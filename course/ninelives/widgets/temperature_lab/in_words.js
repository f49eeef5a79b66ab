// What the lab says. Python says the same of `reading` and `compared`; see in_words.py.

import { two } from "../js/numbers.js";
import { agrees, differsFrom, standsIn } from "../js/yours.js";
import { failure, hasEnded } from "./scores.js";
import { CLOSE, uncertainty } from "./state.js";

/** @import { State } from "./state.js" */
/** @import { Scores } from "./scores.js" */

/** One decimal and commas: "20,851.8". @param {number} x */
const thousands = (x) => x.toLocaleString("en", { minimumFractionDigits: 1 });

/** How uncertain the draw is, and how many words can be drawn. @param {Float64Array} chances */
export function reading(chances) {
  const { entropy, kept } = uncertainty(chances), V = chances.length, perplexity = Number(Math.exp(entropy).toFixed(1));
  return `Entropy ${two(entropy)} nats, perplexity ${thousands(perplexity)}: ${howUndecided(perplexity, kept)}.`
    + (kept < V ? ` ${kept} of ${V} words can be drawn.` : "");
}

/** @param {number} perplexity rounded to one decimal @param {number} kept words that can be drawn */
function howUndecided(perplexity, kept) {
  if (kept === 1) return "one word is certain";
  if (perplexity === 1) return "one word is almost certain";
  return perplexity < 2 ? "between one certain word and two equally likely ones" : `as undecided as among ${thousands(perplexity)} equally likely words`;
}

/** @param {State} state */
export function lastDraw({ vocabulary, drawn, chances }) {
  if (!drawn.length) return "";
  const last = drawn.length - 1, word = `“${vocabulary[drawn[last]]}”`;
  if (chances[last] === undefined) return `The last word is ${word}.`;
  const chance = chances[last] < 0.005 ? "a probability below 0.01" : `the probability ${two(chances[last])}`;
  return `Drawn: ${word}, which had ${chance}.`;
}

/**
 * Why nothing can be drawn, or what this page cannot do.
 * @param {State} state
 * @param {object} page
 * @param {boolean} page.isWaiting for scores
 * @param {boolean} page.isLate they have not come for a while
 * @param {string} page.cannotRead why nothing reads a new word, or empty
 */
export function notice(state, { isWaiting, isLate, cannotRead }) {
  if (failure(state)) return `After this text the model cannot go on: ${failure(state)}`;
  if (hasEnded(state)) return "The text has ended: nothing follows the end token. Step back or start again.";
  if (cannotRead) {
    return isWaiting ? `${cannotRead} So the new word is not read, and the bars are still those of the text before it. Step back to draw again.`
      : `${cannotRead} The bars move, and one word can be drawn, but it is not read. So “Write on” stays off, and “Step back” and “Start again” wait for that word.`;
  }
  return isWaiting && isLate ? "Waiting for Python to read the new word. If this stays, run the cell again." : "";
}

/**
 * Whether the learner's probabilities are those of the bars; null until Python has compared them.
 * @param {State} state
 * @param {Scores} scores
 * @param {boolean} isAlone no Python will compare them
 */
export function compared({ yours, temperature, vocabulary }, scores, isAlone) {
  if (!("temperature" in yours)) return "";
  if (yours.temperature !== temperature || yours.after.join() !== scores.after) {
    if (!isAlone) return null;
    return `Your next_token_probabilities was called in the notebook alone, at temperature ${two(yours.temperature)} after the first text.`;
  }
  const name = `next_token_probabilities at temperature ${two(yours.temperature)}`;
  if (yours.away === undefined) return standsIn(name, yours.error);
  return yours.away <= CLOSE ? agrees(name, "the bars before top-k and top-p")
    : differsFrom(name, "the bars", `by up to ${two(yours.away)}: it gives “${vocabulary[yours.word ?? 0]}” ${two(yours.chance ?? NaN)}`);
}

/** What the tries have drawn most often. @param {string[]} vocabulary @param {Map<number, number>} tries */
export function triesInWords(vocabulary, tries) {
  const total = [...tries.values()].reduce((sum, count) => sum + count, 0), most = [...tries].sort((a, b) => b[1] - a[1]).slice(0, 3);
  return total ? `Of ${total} tries: ${most.map(([word, count]) => `${vocabulary[word]} ${count}`).join(", ")}.` : "";
}

/** The three likeliest words. @param {State} state @param {Scores} scores @param {Float64Array} chances */
export const likeliest = ({ vocabulary }, { order }, chances) =>
  order.slice(0, 3).filter(word => chances[word]).map(word => `${vocabulary[word]} ${two(chances[word])}`).join(", ");
