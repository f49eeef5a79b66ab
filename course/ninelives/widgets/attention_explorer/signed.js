// Scores, changes and other signed values instead of weights: how they are printed and said, as in ninelives.figures.signed.

import { isolated } from "../js/labels.js";
import { range } from "../js/numbers.js";

/** @typedef {"weights" | "scores" | "signed" | "difference"} Kind */
/** @typedef {{ kind: Kind, decimals: number, item: string }} Printed */

/** What one number is called. @type {Record<Kind, string>} */
export const THINGS = { weights: "weight", scores: "score", signed: "value", difference: "change" };
/** All of them, for the name of the heatmap. @type {Record<Kind, string>} */
export const ALL_OF = {
  weights: "attention weights", scores: "attention scores", signed: "signed values", difference: "changes of attention weights, second minus first",
};
/** What the two colours of the signed map are. @type {Record<Kind, string>} */
export const SIGNS = {
  weights: "", scores: "Blue: positive scores; orange: negative ones.", signed: "Blue: positive values; orange: negative ones.",
  difference: "Blue: the second attends more; orange: less.",
};
/** @param {Kind} kind @param {string} item */
export const whatHidingDoes = (kind, item) => ({
  weights: `each row is renormalised, so the ${item}s shown sum to 1`, difference: `the changes are those of all ${item}s`,
  scores: "the other scores stay as they are", signed: "the other values stay as they are",
})[kind];
const LEAST_CHANGE = 0.05; // a smaller one is not named in words
const LEAST_PRINTED = 0.005; // it would be printed as 0.00; the still picture leaves it out as well
const ON_EACH_SIDE = 2; // words of a row on either side

/** A number as it is said and printed; a change has a sign, and 0 has none. @param {number} value @param {Printed} how */
export function printed(value, { kind, decimals }) {
  const text = Math.abs(value).toFixed(decimals);
  if (Number(text) === 0) return text;
  return (value < 0 ? "−" : kind === "difference" ? "+" : "") + text;
}

/** Whether a cell has its number. @param {number} value @param {Kind} kind */
export const isPrinted = (value, kind) => kind === "scores" || kind === "signed" || Math.abs(value) >= LEAST_PRINTED;

/** A row without the name of its word. @param {Float32Array} row @param {string[]} words of its columns @param {Printed} how */
export function signedRow(row, words, how) {
  const named = (/** @type {number[]} */ at) => at.map(c => `${isolated(words[c])} ${printed(row[c], how)}`).join(", ");
  const highest = range(row.length).sort((a, b) => row[b] - row[a]), lowest = range(row.length).sort((a, b) => row[a] - row[b]);
  if (how.kind === "difference") {
    const more = highest.slice(0, ON_EACH_SIDE).filter(c => row[c] >= LEAST_CHANGE), less = lowest.slice(0, ON_EACH_SIDE).filter(c => row[c] <= -LEAST_CHANGE);
    if (!more.length && !less.length) return `to every ${how.item} as in the first sentence, within ${LEAST_CHANGE}`;
    return [more.length ? `more to ${named(more)}` : "", less.length ? `less to ${named(less)}` : ""].filter(Boolean).join(", ");
  }
  if (row.length === 1) return `${THINGS[how.kind]} ${named([0])}`;
  const things = `${THINGS[how.kind]}s`, most = printed(row[highest[0]], how);
  if (most === printed(row[lowest[0]], how)) return `all ${row.length} ${things} alike, ${most} each`;
  return `highest ${things} ${named(highest.slice(0, Math.min(ON_EACH_SIDE, row.length - 1)))}; lowest ${named(lowest.slice(0, 1))}`;
}

/** What is between the word, or several words, and the row: " attends to ". @param {Kind} kind @param {boolean} several */
export function between(kind, several) {
  if (kind === "scores" || kind === "signed") return `${several ? ", on average" : ""}: `;
  return `${several ? ", on average, attend" : " attends"} ${kind === "weights" ? "to " : ""}`;
}
