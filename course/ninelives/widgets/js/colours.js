// Colours as "#rrggbb".

import { contextOf } from "./dom.js";

/** Red, green and blue, 0 … 255. @param {string} hex */
export const rgbOf = hex => [1, 3, 5].map(k => Number.parseInt(hex.slice(k, k + 2), 16));

/** Whether white text is easier to read on it than dark text. @param {string} hex */
export function isDark(hex) {
  const [r, g, b] = rgbOf(hex);
  return 0.3 * r + 0.59 * g + 0.11 * b < 140;
}

/** One pixel for each colour, side by side. @param {HTMLCanvasElement} canvas @param {string[]} colours */
export function paintStrip(canvas, colours) {
  canvas.width = colours.length;
  canvas.height = 1;
  const context = contextOf(canvas), image = context.createImageData(colours.length, 1);
  image.data.set(colours.flatMap(hex => [...rgbOf(hex), 255]));
  context.putImageData(image, 0, 0);
}
