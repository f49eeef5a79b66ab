// Numbers as colours, and as bars.

import { paintStrip, rgbOf } from "../../widgets/js/colours.js";
import { contextOf, html } from "../../widgets/js/dom.js";
import { clamp, two } from "../../widgets/js/numbers.js";

/** @typedef {{ signed: string[], weights: string[] }} Colours of numbers from −1 to 1, and of weights from 0 to 1 */

/** The largest size among rows of numbers. @param {ArrayLike<number>[]} rows */
export const largest = rows => Math.max(1e-9, ...rows.flatMap(row => Array.from(row, Math.abs)));

/** A vector as a strip of colours: blue above zero, brown below. @param {ArrayLike<number>} row @param {number} end the number with the darkest colour @param {Colours} colours */
export function strip(row, end, { signed }) {
  const node = html("canvas", { className: "strip", "aria-hidden": "true" }), half = (signed.length - 1) / 2;
  node.title = Array.from(row, two).join(" "); // for a mouse
  paintStrip(node, Array.from(row, x => signed[Math.round(half + half * clamp(x / end, -1, 1))]));
  return node;
}

/** Weights as a square picture. @param {HTMLCanvasElement} canvas @param {ArrayLike<number>[]} rows @param {Colours} colours */
export function paintMap(canvas, rows, { weights }) {
  const n = rows.length;
  canvas.width = canvas.height = n;
  const context = contextOf(canvas), image = context.createImageData(n, n);
  rows.forEach((row, r) => {
    for (let c = 0; c < n; c++) {
      image.data.set([...rgbOf(weights[Math.round((weights.length - 1) * clamp(row[c] ?? 0, 0, 1))]), 255], 4 * (r * n + c));
    }
  });
  context.putImageData(image, 0, 0);
}

/** A share as a bar with its number. @param {number} share @param {string} [number] */
export const bar = (share, number = two(share)) => html("span", { className: "bar", style: `--share: ${share}` }, html("i", {}), html("b", {}, number));

/** The words that a row attends to, each with its weight. @param {string[]} words @param {ArrayLike<number | undefined>} weights undefined: masked @param {number} [chosen] */
export const chips = (words, weights, chosen = -1) =>
  html("p", { className: "chips" }, ...words.map((word, k) => {
    const weight = weights[k];
    if (weight === undefined) return html("span", { className: "chip masked" }, word, html("b", {}, "masked"));
    return html("span", { className: `chip${k === chosen ? " chosen" : ""}`, style: `--w: ${weight}` }, word, html("b", {}, two(weight)));
  }));
