// Weights as pixels.

import { rgbOf } from "../js/colours.js";
import { contextOf } from "../js/dom.js";

/** @import { View } from "./attention.js" */

/** @typedef {Pick<View, "rows" | "columns" | "weights">} Shown */

const LINEAR_UP_TO = 32; // words; above, weights are too small to be seen on a linear scale

/** Colours of weights. @param {string[]} colours 256, from weight 0 to 1 @param {number} words how many there are */
export function shadesOf(colours, words) {
  const palette = new Uint32Array(colours.map(hex => {
    const [r, g, b] = rgbOf(hex);
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }));
  const index = (/** @type {number} */ w) => Math.min(255, Math.round(255 * (words <= LINEAR_UP_TO ? w : Math.sqrt(w))));
  return {
    hex: (/** @type {number} */ weight) => colours[index(weight)],
    /**
     * Paint weights in `across` × `down` pixels.
     * @param {HTMLCanvasElement} canvas
     * @param {Shown} view
     * @param {number} across
     * @param {number} down
     */
    paint(canvas, view, across, down) {
      canvas.width = across;
      canvas.height = down;
      if (!across || !down) return;
      const context = contextOf(canvas), image = context.createImageData(across, down);
      const out = new Uint32Array(image.data.buffer), weights = inBlocks(view, across, down);
      for (let k = 0; k < weights.length; k++) out[k] = palette[index(weights[k])];
      context.putImageData(image, 0, 0);
    },
  };
}

/** @typedef {ReturnType<typeof shadesOf>} Shades */

/**
 * The strongest weight of each block: a mean would hide single strong links.
 * @param {Shown} view
 * @param {number} across
 * @param {number} down
 */
export function inBlocks({ rows, columns, weights }, across, down) {
  const R = rows.length, C = columns.length, peak = new Float32Array(across * down);
  for (let r = 0, i = 0; r < R; r++) {
    const line = Math.floor(r * down / R) * across;
    for (let c = 0; c < C; c++, i++) {
      const at = line + Math.floor(c * across / C);
      if (weights[i] > peak[at]) peak[at] = weights[i];
    }
  }
  return peak;
}
