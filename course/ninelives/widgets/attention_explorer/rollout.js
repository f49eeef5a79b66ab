// How much of the rollout passes through each head, as by `rollout_shares` in ninelives.figures.measures.

import { range } from "../js/numbers.js";
import { MASKED, UNIT } from "./attention.js";

/** @import { Numbers, Attention } from "./part.js" */

/** @typedef {{ shares: number[], total: number }} RolloutShares of each head, as parts of the rollout's weight; 0 where there is none */

const weight = (/** @type {number} */ value) => (value === MASKED ? 0 : value / UNIT);

/** A map times a vector (T). @param {Numbers} map @param {Float64Array} vector */
function product(map, vector) {
  const T = vector.length;
  return vector.map((_, i) => {
    let sum = 0;
    for (let j = 0; j < T; j++) sum += weight(map[i * T + j]) * vector[j];
    return sum;
  });
}

/** @param {Pick<Attention, "maps" | "L" | "H" | "T">} attention with the maps of all heads @param {number} row @param {number} column @returns {RolloutShares} */
export function rolloutShares({ maps, L, H, T }, row, column) {
  const at = (/** @type {number} */ k) => new Float64Array(T).map((_, i) => Number(i === k));
  const mapOfHead = (/** @type {number} */ l, /** @type {number} */ h) => /** @type {Numbers} */ (maps.get(l * H + h));
  const closed = range(L).map(l => range(T).map(i => mapOfHead(l, 0).subarray(i * T, (i + 1) * T).every(value => value === MASKED)));
  /** What each head of each layer reads of the column. @type {Float64Array[][]} */
  const read = [];
  let below = at(column), above = at(row);
  for (const l of range(L)) {
    const into = below;
    read.push(range(H).map(h => product(mapOfHead(l, h), into)));
    below = into.map((x, i) => (closed[l][i] ? x : (read[l].reduce((sum, ofHead) => sum + ofHead[i], 0) / H + x) / 2));
  }
  const total = below[row], shares = new Array(L * H).fill(0);
  for (const l of range(L).reverse()) {
    const half = above.map((x, i) => (closed[l][i] ? 0 : x / 2)), next = above.map((x, i) => x - half[i]);
    for (const h of range(H)) {
      const map = mapOfHead(l, h);
      half.forEach((x, i) => {
        shares[l * H + h] += total && x * read[l][h][i] / H / total;
        if (x) for (let j = 0; j < T; j++) next[j] += x * weight(map[i * T + j]) / H;
      });
    }
    above = next;
  }
  return { shares, total };
}
