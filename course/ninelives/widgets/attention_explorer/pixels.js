// Weights as pixels.

import { rgbOf } from "../js/colours.js";
import { contextOf } from "../js/dom.js";
import { onBar } from "./scale.js";

/** @import { Cells } from "./attention.js" */
/** @import { Scale } from "./scale.js" */

export const GRAY = "#d0d0d0"; // of a masked cell

const packed = (/** @type {string} */ hex) => {
  const [r, g, b] = rgbOf(hex);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
};

/** Colours of weights. @param {string[]} colours 256 from weight 0 to the top of the scale, or 255 of the signed map */
export function shadesOf(colours) {
  const palette = new Uint32Array(colours.map(packed)), gray = packed(GRAY);
  const index = (/** @type {Scale} */ scale, /** @type {number} */ w) => Math.round((colours.length - 1) * onBar(scale, w));
  return {
    colours,
    hex: (/** @type {Scale} */ scale, /** @type {number} */ weight) => colours[index(scale, weight)],
    /**
     * Paint weights in `across` × `down` pixels.
     * @param {HTMLCanvasElement} canvas
     * @param {Cells} cells
     * @param {Scale} scale
     * @param {number} across
     * @param {number} down
     */
    paint(canvas, cells, scale, across, down) {
      canvas.width = across;
      canvas.height = down;
      if (!across || !down) return;
      const context = contextOf(canvas), image = context.createImageData(across, down);
      const out = new Uint32Array(image.data.buffer), weights = inBlocks(cells, across, down);
      for (let k = 0; k < weights.length; k++) out[k] = Number.isNaN(weights[k]) ? gray : palette[index(scale, weights[k])];
      context.putImageData(image, 0, 0);
    },
  };
}

/** @typedef {ReturnType<typeof shadesOf>} Shades */

/**
 * The strongest weight of each block, NaN where all of it is masked: a mean would hide single strong links.
 * @param {Cells} cells
 * @param {number} across
 * @param {number} down
 */
export function inBlocks({ rows, columns, weights, masked }, across, down) {
  const R = rows.length, C = columns.length, peak = new Float32Array(across * down).fill(NaN);
  for (let r = 0, i = 0; r < R; r++) {
    const line = Math.floor(r * down / R) * across;
    for (let c = 0; c < C; c++, i++) {
      const at = line + Math.floor(c * across / C);
      if (!masked[i] && !(Math.abs(weights[i]) <= Math.abs(peak[at]))) peak[at] = weights[i];
    }
  }
  return peak;
}
