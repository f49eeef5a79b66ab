// Colours as "#rrggbb".

import { contextOf } from "./dom.js";
import { clamp } from "./numbers.js";

/** Red, green and blue, 0 … 255. @param {string} hex */
export const rgbOf = hex => [1, 3, 5].map(k => Number.parseInt(hex.slice(k, k + 2), 16));

/** The classes of a number on a colour that a dark page shows through DARK_THEME. @param {string} hex */
export function numberOn(hex) {
  const rgb = rgbOf(hex);
  return ["nl-number", ...(isDark(rgb) ? ["nl-white"] : []), ...(isDark(inDarkTheme(rgb)) ? ["nl-white-in-dark"] : [])].join(" ");
}

/** Whether white has more contrast with a colour than black, as WCAG 2.2 defines it. @param {number[]} rgb 0 … 255 */
export function isDark(rgb) {
  const [r, g, b] = rgb.map(v => (v <= 10 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) ** 2 < 1.05 * 0.05;
}

/** What the filter DARK_THEME of figures/style.py makes of a colour. @param {number[]} rgb 0 … 255 */
export function inDarkTheme(rgb) {
  const [r, g, b] = rgb.map(v => 0.93 * 255 - 0.86 * v), grey = 0.213 * r + 0.715 * g + 0.072 * b;
  return [r, g, b].map(v => clamp(2 * grey - v, 0, 255));
}

/** One pixel for each colour, side by side. @param {HTMLCanvasElement} canvas @param {string[]} colours */
export function paintStrip(canvas, colours) {
  canvas.width = colours.length;
  canvas.height = 1;
  const context = contextOf(canvas), image = context.createImageData(colours.length, 1);
  image.data.set(colours.flatMap(hex => [...rgbOf(hex), 255]));
  context.putImageData(image, 0, 0);
}
