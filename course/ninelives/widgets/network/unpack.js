// A network as a page carries it, made ready to compute. Python packs it; see page_network.py.

import { fromBase64 } from "../js/numbers.js";

/** @import { Linear, Norm } from "./arithmetic.js" */

/** @typedef {{ vocab_size: number, block_size: number, n_embd: number, n_head: number, n_layer: number }} Config */

/**
 * What a page carries.
 * @typedef {object} Packed
 * @property {Record<string, Config>} configs of "encoder" and "decoder", or of the latter alone
 * @property {string[]} words V, in the order of their ids
 * @property {string[]} reads the words that a sentence may hold
 * @property {string} [language] of these words
 * @property {[string, number][]} tensors the name of each tensor and how many numbers it has
 * @property {string} halves all of them, one after another, as little-endian float16 in base64
 */

/** @typedef {{ norm1: Norm, query: Linear, key: Linear, value: Linear, proj: Linear, norm2: Norm, up: Linear, down: Linear }} Block */

/**
 * @typedef {object} Part an encoder or a decoder
 * @property {Config} config
 * @property {Float64Array} token (V, C)
 * @property {Float64Array} position (block_size, C)
 * @property {Block[]} blocks
 * @property {Norm} norm
 */

/**
 * @typedef {object} Network
 * @property {string[]} words
 * @property {Map<string, number>} ids of the words
 * @property {string[]} reads
 * @property {string} language "" if not said
 * @property {number} end the id of the end token, or −1
 * @property {Part | null} encoder null: a decoder alone
 * @property {Part} decoder
 * @property {Linear} lmHead
 */

/** @param {Packed} packed @returns {Network} */
export function networkOf({ configs, words, reads, language = "", tensors, halves }) {
  const numbers = new Uint16Array(fromBase64(halves));
  /** @type {Map<string, Float64Array>} */
  const named = new Map();
  let at = 0;
  for (const [name, size] of tensors) {
    const tensor = new Float64Array(size);
    for (let i = 0; i < size; i++) tensor[i] = fromHalf(numbers[at++]);
    named.set(name, tensor);
  }
  const ids = new Map(words.map((word, id) => /** @type {[string, number]} */ ([word, id])));
  const part = (/** @type {string} */ name) => partOf(configs[name], tensor => named.get(`${name}.${tensor}`));
  return {
    words, ids, reads, language, end: ids.get("<end>") ?? -1, encoder: configs.encoder ? part("encoder") : null, decoder: part("decoder"),
    lmHead: { weight: there(named.get("decoder.lm_head.weight")), bias: null },
  };
}

/** @param {Config} config @param {(tensor: string) => Float64Array | undefined} tensor @returns {Part} */
function partOf(config, tensor) {
  const both = (/** @type {string} */ layer) => ({ weight: there(tensor(`${layer}.weight`)), bias: there(tensor(`${layer}.bias`)) });
  const blocks = Array.from({ length: config.n_layer }, (_, k) => {
    const layer = (/** @type {string} */ name) => both(`layers.blocks.${k}.${name}`);
    return {
      norm1: layer("norm_1"), query: layer("attention.query"), key: layer("attention.key"), value: layer("attention.value"),
      proj: layer("attention.proj"), norm2: layer("norm_2"), up: layer("mlp.0"), down: layer("mlp.2"),
    };
  });
  const table = (/** @type {string} */ name) => there(tensor(`layers.embedding.${name}.weight`));
  return { config, token: table("token"), position: table("position"), blocks, norm: both("layers.norm") };
}

/** @param {Float64Array | undefined} tensor */
function there(tensor) {
  if (!tensor) throw new Error("The weights on this page are not complete: load it again, or save it again from the notebook.");
  return tensor;
}

const BITS = new Uint32Array(1);
const FLOAT = new Float32Array(BITS.buffer);

/** The number that 16 bits stand for, as in IEEE 754. @param {number} half */
export function fromHalf(half) {
  const exponent = (half >> 10) & 31, fraction = half & 1023;
  if (!exponent) return (half & 0x8000 ? -1 : 1) * fraction * 2 ** -24;
  BITS[0] = ((half & 0x8000) << 16) | ((exponent + 112) << 23) | (fraction << 13); // float32 counts its exponents from 127, not from 15
  return FLOAT[0];
}
