// What the explorer says. A row is said in the same words as by `read_row` in ninelives.figures.

import { isolated } from "../js/labels.js";
import { argmax, counted, range } from "../js/numbers.js";
import { isMasked, meanRow, rowOf } from "./attention.js";
import { between, printed, signedRow, THINGS, whatHidingDoes } from "./signed.js";

/** @import { View } from "./attention.js" */
/** @import { Attention, Combine } from "./part.js" */

export const ROLLOUT = "A rollout multiplies the weights of all layers up to this one. In each layer half of a row is the mean of its heads and half is the residual connection.";
const NAMES_UP_TO = 12; // hidden words
const NAMED = 3; // words of a row
const CHOSEN_NAMED = 4; // words whose mean is said
const NOTHING = 1 / 128000; // a smaller weight counts as 0

/** Whether a number stands out; of scores and the like, all do that are not masked. @param {number} w @param {Attention["kind"]} kind */
export const standsOut = (w, kind) => Math.abs(w) >= (kind === "scores" || kind === "signed" ? 0 : 0.05);

/** The indices of up to three strongest numbers of a row. @param {ArrayLike<number>} row @param {Attention["kind"]} kind */
export const strongest = (row, kind) =>
  range(row.length).filter(c => standsOut(row[c], kind)).sort((a, b) => Math.abs(row[b]) - Math.abs(row[a])).slice(0, NAMED);

/** @param {Float32Array} weights */
function areAlike(weights) {
  const most = Math.max(...weights), least = Math.min(...weights);
  return most.toFixed(2) === least.toFixed(2) && most - least <= 0.1 * most;
}

/** A row of weights. @param {Float32Array} row @param {string[]} words of its columns @param {string} item what one is called */
export function rowInWords(row, words, item) {
  const named = (/** @type {number} */ c) => `${isolated(words[c])} ${row[c].toFixed(2)}`;
  const positive = row.filter(w => w > NOTHING), most = Math.max(...row).toFixed(2), choosesAll = positive.length === row.length;
  if (positive.length > (choosesAll ? 1 : NAMED) && areAlike(positive))
    return `${choosesAll ? (row.length === 2 ? "both" : `all ${row.length}`) : `${positive.length} of ${row.length}`} ${item}s equally, ${most} each`;
  const names = strongest(row, "weights"), tied = row.filter(w => w.toFixed(2) === most).length;
  if (!names.length) return `no ${item} with 0.05 or more (most: ${named(argmax(row))})`;
  if (tied > NAMED) return `${tied} of ${row.length} ${item}s alike, ${most} each, and less to the others`;
  return names.map(named).join(", ");
}

/** "a, b and c", of many the first three and how many more. @param {string[]} words */
export function listed(words) {
  const named = words.length <= CHOSEN_NAMED ? words : [...words.slice(0, CHOSEN_NAMED - 1), `${words.length - CHOSEN_NAMED + 1} more`];
  return named.length > 1 ? `${named.slice(0, -1).join(", ")} and ${named[named.length - 1]}` : named.join("");
}

/** The words of some rows. @param {Attention} attention @param {View} view @param {number[]} rs indices of rows */
export const rowNames = (attention, view, rs) => listed(rs.map(r => attention.rowWords[view.rows[r]]));

/** " attends to cat 0.71, full 0.08"; of several rows, their mean. @param {Attention} attention @param {View} view @param {number[]} rs indices of rows */
export function reading(attention, view, rs) {
  if (rs.every(r => isMasked(view, r))) return rs.length === 1 ? " is masked" : " are masked";
  const row = meanRow(view, rs), words = view.columns.map(j => attention.columnWords[j]);
  const start = between(attention.kind, rs.length > 1);
  return start + (attention.kind === "weights" ? rowInWords(row, words, attention.item) : signedRow(row.filter(w => !Number.isNaN(w)), words.filter((_, c) => !Number.isNaN(row[c])), attention));
}

/** @param {Attention} attention @param {View} view @param {number[]} rs */
export const sentence = (attention, view, rs) => (rs.length ? rowNames(attention, view, rs) + reading(attention, view, rs) : "");

/** "cat 0.71". @param {Attention} attention @param {View} view @param {number} r @param {number} c */
export const cellInWords = (attention, view, r, c) =>
  `${isolated(attention.columnWords[view.columns[c]])} ${view.masked[r * view.columns.length + c] ? "masked" : printed(rowOf(view, r)[c], attention)}`;

/** "it attends to cat 0.71", or "it to cat 1.50, the score". @param {Attention} attention @param {View} view @param {number} r @param {number} c */
export function cellSentence(attention, view, r, c) {
  const word = attention.rowWords[view.rows[r]], cell = cellInWords(attention, view, r, c);
  return attention.kind === "weights" ? `${word} attends to ${cell}` : `${word} to ${cell}, the ${THINGS[attention.kind]}`;
}

/** @param {Attention} attention @param {{ layer: number, head: number, combine?: Combine }} view */
export function headName({ layers, heads, names, first }, { layer, head, combine }) {
  if (combine === "layer") return `Layer ${layers[layer] + first}, mean of ${counted(heads.length, "head")}`;
  if (combine === "model") return layers.length * heads.length === 1 ? "Mean of 1 head" : `Mean of all ${layers.length * heads.length} heads`;
  if (combine === "rollout") return `Rollout up to layer ${layers[layer] + first}`;
  const l = layers[layer], h = heads[head], name = names[`${l},${h}`];
  if (layers.length * heads.length === 1 && !l && !h) return "The only head";
  return `Layer ${l + first}, head ${h + first}${name ? ` (${name})` : ""}`;
}

/** The weights shown as a table of tabs and lines; a masked cell is empty. @param {Attention} attention @param {View} view */
export function asTable({ rowWords, columnWords }, view) {
  const { rows, columns, weights, masked } = view, C = columns.length;
  const lines = rows.map((i, r) =>
    [rowWords[i], ...columns.map((_, c) => (masked[r * C + c] ? "" : weights[r * C + c].toFixed(4)))]);
  return [["", ...columns.map(j => columnWords[j])], ...lines].map(line => line.join("\t")).join("\n");
}

/** What has to be known of the picture. @param {Attention} attention @param {View} view */
export function noteOf({ note, columnWords, kind, item }, { hidden, combine }) {
  const names = hidden.map(j => columnWords[j]);
  const gone = names.length > NAMES_UP_TO ? counted(names.length, item) : names.join(", ");
  return [note, combine === "rollout" ? ROLLOUT : "", names.length ? `Hidden: ${gone}; ${whatHidingDoes(kind, item)}.` : ""].filter(Boolean).join(" ");
}

/**
 * What is new to say, after what was said last.
 * @typedef {{ head: string, sentence: string, cell: string, note: string }} Said
 * @param {Said | null} last
 * @param {Said} now
 * @param {string} item
 */
export function news(last, now, item) {
  const parts = [];
  if (last && now.head !== last.head) parts.push(now.head);
  if (now.note !== (last?.note ?? "")) parts.push(now.note || `Every ${item} is shown.`);
  if (now.cell && now.cell !== last?.cell && now.sentence === last?.sentence && !parts.length) parts.push(now.cell);
  else if (now.sentence) parts.push(now.sentence);
  return parts.map(part => part.replace(/\.$/, "")).join(". ") + (parts.at(-1)?.endsWith(".") ? "." : "");
}
