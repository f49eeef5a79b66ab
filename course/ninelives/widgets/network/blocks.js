// Rows through the blocks of a Transformer, with everything that was computed on the way.

import { dot, gelu, layerNorm, linear, softmax, sumOf } from "./arithmetic.js";

/** @import { Row } from "./arithmetic.js" */
/** @import { Block, Part } from "./unpack.js" */

/**
 * What one layer has computed: a list of rows, or of each head a list of rows. Its keys and values are kept, so that a
 * decoder computes new rows alone.
 * @typedef {object} Layer
 * @property {Row[]} input (C) each
 * @property {Row[]} norm1
 * @property {Row[][]} q (head_size) each, of each head
 * @property {Row[][]} k
 * @property {Row[][]} v
 * @property {Row[][]} scores q · k / √head_size, of each head: of a row as many as it has columns to attend to
 * @property {Row[][]} weights their softmax
 * @property {Row[][]} heads what each head says: the sum of the values by their weights
 * @property {Row[]} attention what the projection makes of all heads
 * @property {Row[]} middle input + attention
 * @property {Row[]} norm2
 * @property {Row[]} mlp
 * @property {Row[]} output middle + mlp
 */

/**
 * @typedef {object} Trace
 * @property {Row[]} tokens the vectors of the words
 * @property {Row[]} positions the vectors of their positions
 * @property {Layer[]} layers
 * @property {Row[]} output after the last norm
 */

/** What a head that would say z in a row says. @typedef {(layer: number, head: number, row: number, z: Row) => Row} Change */

/** @param {Part} part @returns {Trace} */
export function newTrace({ config: { n_layer, n_head } }) {
  const heads = () => Array.from({ length: n_head }, () => /** @type {Row[]} */ ([]));
  const layers = Array.from({ length: n_layer }, () => ({
    input: [], norm1: [], q: heads(), k: heads(), v: heads(), scores: heads(), weights: heads(), heads: heads(),
    attention: [], middle: [], norm2: [], mlp: [], output: [],
  }));
  return { tokens: [], positions: [], layers, output: [] };
}

/** Forget all rows after the first, and all words. @param {Trace} trace @param {number} rows */
export function cutTo(trace, rows) {
  for (const { q, k, v, scores, weights, heads, ...others } of trace.layers) {
    for (const list of [...Object.values(others), ...[q, k, v, scores, weights, heads].flat()]) list.length = rows;
  }
  trace.output.length = rows;
  trace.tokens.length = trace.positions.length = 0;
}

/**
 * The vectors of words and of their positions are added: (C) each. The words go on after those that are there.
 * @param {Part} part
 * @param {Trace} trace
 * @param {number[]} ids
 * @param {boolean} hasPositions
 * @param {(word: number) => number} share of the vector of a word that is used
 */
export function embed({ token, position, config: { n_embd } }, trace, ids, hasPositions, share) {
  return ids.map(id => {
    const at = trace.tokens.length, part = share(at);
    trace.tokens.push(token.slice(id * n_embd, (id + 1) * n_embd).map(value => value * part));
    trace.positions.push(hasPositions ? position.slice(at * n_embd, (at + 1) * n_embd) : new Float64Array(n_embd));
    return sumOf(trace.tokens[at], trace.positions[at]);
  });
}

/**
 * New rows through all blocks and the last norm; what is computed is added to the trace.
 * @param {Part} part
 * @param {Trace} trace
 * @param {Row[]} rows (C) each
 * @param {(row: number) => number} columns how many columns a row may attend to, from the first on
 * @param {Change} change
 */
export function through(part, trace, rows, columns, change) {
  let x = rows;
  part.blocks.forEach((block, number) => {
    x = throughBlock(block, trace.layers[number], x, columns, (head, row, z) => change(number, head, row, z));
  });
  trace.output.push(...x.map(row => layerNorm(part.norm, row)));
}

/**
 * @param {Block} block
 * @param {Layer} layer
 * @param {Row[]} rows
 * @param {(row: number) => number} columns
 * @param {(head: number, row: number, z: Row) => Row} change
 */
function throughBlock(block, layer, rows, columns, change) {
  const first = layer.input.length;
  for (const row of rows) {
    const normed = layerNorm(block.norm1, row);
    layer.input.push(row);
    layer.norm1.push(normed);
    cut(layer.q, linear(block.query, normed));
    cut(layer.k, linear(block.key, normed));
    cut(layer.v, linear(block.value, normed));
  }
  return rows.map((x, r) => {
    const row = first + r, said = new Float64Array(x.length), size = x.length / layer.q.length;
    layer.q.forEach((_, head) => {
      const z = change(head, row, attend(layer, head, row, columns(row)));
      layer.heads[head].push(z);
      said.set(z, head * size);
    });
    const attention = linear(block.proj, said), middle = sumOf(x, attention), norm2 = layerNorm(block.norm2, middle);
    const mlp = linear(block.down, gelu(linear(block.up, norm2))), output = sumOf(middle, mlp);
    layer.attention.push(attention);
    layer.middle.push(middle);
    layer.norm2.push(norm2);
    layer.mlp.push(mlp);
    layer.output.push(output);
    return output;
  });
}

/** Head h owns the channels h · head_size … (h + 1) · head_size. @param {Row[][]} heads @param {Row} row */
function cut(heads, row) {
  const size = row.length / heads.length;
  heads.forEach((rows, head) => { rows.push(row.subarray(head * size, (head + 1) * size)); });
}

/** A row attends to the first columns: the sum of their values by its weights. @param {Layer} layer @param {number} head @param {number} row @param {number} columns */
function attend(layer, head, row, columns) {
  const q = layer.q[head][row], k = layer.k[head], v = layer.v[head], z = new Float64Array(q.length);
  const scores = new Float64Array(columns), scale = 1 / Math.sqrt(q.length);
  for (let column = 0; column < columns; column++) scores[column] = dot(q, k[column]) * scale;
  const weights = softmax(scores);
  for (let column = 0; column < columns; column++) {
    const weight = weights[column], value = v[column];
    for (let j = 0; j < z.length; j++) z[j] += weight * value[j];
  }
  layer.scores[head].push(scores);
  layer.weights[head].push(weights);
  return z;
}
