// A sentence translated by an encoder–decoder, word by word, with everything that was computed on the way.

import { byScore, probabilities, wordAt } from "../js/sampling.js";
import { linear } from "./arithmetic.js";
import { cutTo, embed, newTrace, through } from "./blocks.js";
import { decoded, encoded } from "./words.js";

/** @import { Row } from "./arithmetic.js" */
/** @import { Change, Trace } from "./blocks.js" */
/** @import { Network } from "./unpack.js" */

/**
 * What is changed in the network. Heads are counted through all layers, the encoder's first.
 * @typedef {object} Changes
 * @property {number[]} [out] heads that say nothing
 * @property {number[]} [patched] heads that say what they said in `other`
 * @property {Traces} [other]
 * @property {(word: number) => number} [share] of the vector of each English word that is used: 1 whole, 0 hidden
 * @property {boolean} [positions] false: no position vectors
 * @property {boolean} [causal] false: the words of the decoder may attend to those after them
 */

/**
 * How words are chosen. Without a temperature it is the likeliest word each time.
 * @typedef {object} Choice
 * @property {number} [temperature]
 * @property {number} [topK]
 * @property {number} [topP]
 * @property {() => number} [random]
 * @property {number} [most] words; else as many as the decoder reads
 * @property {(number | undefined)[]} [forced] ids that are written whatever their probability
 */

/** What both parts have computed. The decoder's rows are the encoder's P, then those of the words written. @typedef {{ encoder: Trace, decoder: Trace }} Traces */
/** A word written by the decoder's row `row`. @typedef {{ id: number, word: string, row: number, logits: Row, probabilities: Row }} Step */
/** @typedef {Traces & { ids: number[], english: string[], steps: Step[], french: string[], text: string }} Translation the end token is among `french` */

/**
 * @param {Network} network
 * @param {string} text
 * @param {Changes & Choice} [options]
 * @returns {Translation}
 * @throws {Error} a sentence about a text that cannot be read
 */
export const translation = (network, text, options = {}) => translationOf(network, encoded(network, text), options);

/** The same for P ids. @param {Network} network @param {number[]} ids @param {Changes & Choice} [options] @returns {Translation} */
export function translationOf(network, ids, options = {}) {
  const { forced = [], causal = true } = options, most = Math.min(options.most ?? Infinity, network.decoder.config.block_size);
  const traces = beginning(network, ids, options);
  /** @type {Step[]} */
  const steps = [];
  for (;;) {
    const row = traces.decoder.output.length - 1, logits = logitsAt(network, traces.decoder, row), order = byScore(logits);
    const chances = probabilities({ logits, order }, { temperature: 1, topK: logits.length, topP: 1 });
    const /** @type {number} */ id = forced[steps.length] ?? chosen(logits, order, options);
    steps.push({ id, word: network.words[id], row, logits, probabilities: chances });
    if (id === network.end || steps.length === most) break;
    goOn(network, traces, causal ? [id] : steps.map(({ id }) => id), ids.length, options);
  }
  const french = steps.map(({ word }) => word), english = ids.map(id => network.words[id]);
  return { ...traces, ids, english, steps, french, text: decoded(network, steps.map(({ id }) => id)) };
}

/** What both parts compute when the decoder is given words. @param {Network} network @param {number[]} ids @param {number[]} answer @param {Changes} [changes] */
export function readBoth(network, ids, answer, changes = {}) {
  const traces = beginning(network, ids, changes);
  goOn(network, traces, answer, ids.length, changes);
  return traces;
}

/** The scores of the word after a row. @param {Network} network @param {Trace} trace @param {number} row */
export const logitsAt = (network, trace, row) => linear(network.lmHead, trace.output[row]);

/** The likeliest words of a step. @param {Network} network @param {Step} step @param {number} count */
export const likeliestOf = ({ words }, { logits, probabilities: p }, count) =>
  byScore(logits).slice(0, count).map(id => ({ id, word: words[id], p: p[id] }));

/** Rows of unequal length as a square of n by n, filled up. @param {Row[]} rows @param {number} n @param {number} fill */
export const square = (rows, n, fill) => rows.map(row => Float64Array.from({ length: n }, (_, column) => row[column] ?? fill));

/** The encoder reads, and its rows go through the decoder. @param {Network} network @param {number[]} ids @param {Changes} changes @returns {Traces} */
function beginning({ encoder: reader, decoder: writer }, ids, changes) {
  if (!reader) throw new Error("This network has no encoder, so it does not translate.");
  const encoder = newTrace(reader), decoder = newTrace(writer), { positions = true, share = () => 1 } = changes, P = ids.length;
  through(reader, encoder, embed(reader, encoder, ids, positions, share), () => P, changeOf(changes, "encoder", 0, reader.config.n_head));
  const first = reader.config.n_layer * reader.config.n_head;
  through(writer, decoder, encoder.output, () => P, changeOf(changes, "decoder", first, writer.config.n_head));
  return { encoder, decoder };
}

/** The decoder reads words after those that it has read; or all words again, where they may attend to later ones. @param {Network} network @param {Traces} traces @param {number[]} ids @param {number} P @param {Changes} changes */
function goOn({ encoder: reader, decoder: writer }, { decoder }, ids, P, changes) {
  const { positions = true, causal = true } = changes;
  if (!causal) cutTo(decoder, P);
  const all = decoder.output.length + ids.length, first = reader ? reader.config.n_layer * reader.config.n_head : 0;
  through(writer, decoder, embed(writer, decoder, ids, positions, () => 1), row => (causal ? row + 1 : all),
    changeOf(changes, "decoder", first, writer.config.n_head));
}

/** What heads say instead. @param {Changes} changes @param {"encoder" | "decoder"} part @param {number} first its first head @param {number} n_head @returns {Change} */
function changeOf({ out = [], patched = [], other }, part, first, n_head) {
  return (layer, head, row, z) => {
    const k = first + layer * n_head + head;
    if (out.includes(k)) return new Float64Array(z.length);
    return other && patched.includes(k) ? other[part].layers[layer].heads[head][row] : z;
  };
}

/** @param {Row} logits @param {number[]} order @param {Choice} choice */
function chosen(logits, order, { temperature = 0, topK = logits.length, topP = 1, random = Math.random }) {
  return wordAt(probabilities({ logits, order }, { temperature, topK, topP }), order, random());
}
