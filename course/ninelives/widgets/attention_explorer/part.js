// What Python sends: the parts of a model with their weights, as 16-bit integers, or signed values; encoding.py says in which unit.

import { visible } from "../js/labels.js";
import { fromBase64, range } from "../js/numbers.js";

/** @import { Growth } from "./scale.js" */
/** @import { Kind } from "./signed.js" */
/** @import { WhyState } from "./why.js" */

/**
 * One part of a model: encoder, decoder, cross-attention.
 * @typedef {object} Part
 * @property {string} name
 * @property {[number, number, number, number]} shape L layers, H heads, T words that attend, S words attended to
 * @property {string[]} rows
 * @property {string[]} columns
 * @property {boolean} cross
 * @property {number[]} layers their numbers, from 0
 * @property {number[]} heads
 * @property {Record<string, string>} names of heads, by "layer,head"
 * @property {string} note
 * @property {Record<string, number[]>} measures one number for each head, by what is measured
 * @property {boolean} rollout whether there are maps of it
 * @property {Kind} kind what the numbers are
 * @property {"word" | "token"} item what rows and columns are called
 * @property {number} decimals how many are printed
 * @property {[number[], number[]] | null} pairs of rows and of columns, in a comparison: which word of the other parts each stands for, or -1
 * @property {WhyState | null} why of queries and keys, where they are known
 * @property {number[]} sent the numbers of the maps that are here: the heads, then L means, the mean of all and L rollouts
 * @property {DataView | ArrayBuffer | string} weights of these maps; base64 on an exported page
 */

/** @typedef {"" | "layer" | "model" | "rollout"} Combine one head, the mean of its layer, of all heads, or the rollout */

/**
 * The synced traits of AttentionExplorer.
 * @typedef {object} State
 * @property {Part[]} data
 * @property {string} part the name of the one that is shown
 * @property {string} model
 * @property {{ weights: string[], signed: string[], accent: string, link: string, "link-dark": string }} colours
 * @property {number} layer
 * @property {number} head
 * @property {Combine} combine
 * @property {number | null} token
 * @property {number[]} together the rows whose mean is shown
 * @property {number[]} hidden
 * @property {number | null} to the column with which the ranking of heads opens
 * @property {Record<string, number[]>} groups positions of columns that are hidden with one click, by name
 * @property {Growth} scale
 * @property {number | "head"} vmax
 * @property {0 | 1} first the number of the first layer and head
 */

/**
 * What never changes while a part is shown.
 * @typedef {object} Attention
 * @property {number} L
 * @property {number} H
 * @property {number} T
 * @property {number} S
 * @property {Map<number, Numbers>} maps (T, S) each, by their numbers
 * @property {boolean} isWhole whether the maps of all heads are here
 * @property {string} name
 * @property {string[]} rowWords
 * @property {string[]} columnWords
 * @property {boolean} cross
 * @property {number[]} layers
 * @property {number[]} heads
 * @property {number} first
 * @property {Part["names"]} names
 * @property {string} note
 * @property {Part["measures"]} measures
 * @property {boolean} rollout
 * @property {Kind} kind
 * @property {Part["item"]} item
 * @property {number} decimals
 * @property {Part["pairs"]} pairs
 * @property {Part["why"]} why
 */

/** Weights are integers; signed values are what they are, NaN where masked. @typedef {Uint16Array | Float32Array} Numbers */

/** @param {Part["weights"]} weights @param {Kind} kind @returns {Numbers} */
export function numbersOf(weights, kind) {
  const Form = kind === "weights" ? Uint16Array : Float32Array;
  if (typeof weights === "string") return new Form(fromBase64(weights));
  if (weights instanceof ArrayBuffer) return new Form(weights);
  return new Form(/** @type {ArrayBuffer} */ (weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength)));
}

/** A word as it is shown; of several empty ones, "(empty)₁". @param {string} word */
const labelOf = word => visible(word.replace(/^[₀-₉]+$/, "(empty)$&"));

/** The part that is shown. @param {Pick<State, "data" | "part" | "first">} state @returns {Attention} */
export function attentionOf({ data, part, first }) {
  const { shape: [L, H, T, S], rows, columns, sent, weights, ...rest } = data.find(({ name }) => name === part) ?? data[0];
  const all = numbersOf(weights, rest.kind), maps = new Map(sent.map((k, i) => [k, all.subarray(i * T * S, (i + 1) * T * S)]));
  return {
    ...rest, L, H, T, S, first, maps, isWhole: range(L * H).every(k => maps.has(k)),
    rowWords: rows.map(labelOf), columnWords: columns.map(labelOf),
  };
}
