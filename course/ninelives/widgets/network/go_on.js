// A decoder alone goes on with a text.

import { embed, newTrace, through } from "./blocks.js";
import { logitsAt } from "./translate.js";

/** @import { Network } from "./unpack.js" */

/** The scores of the word after others; of more than the decoder reads, after the last of them. @param {Network} network @param {number[]} ids */
export function logitsAfter(network, ids) {
  const { decoder } = network, trace = newTrace(decoder), read = ids.slice(-decoder.config.block_size);
  through(decoder, trace, embed(decoder, trace, read, true, () => 1), row => row + 1, (_layer, _head, _row, z) => z);
  return logitsAt(network, trace, read.length - 1);
}
