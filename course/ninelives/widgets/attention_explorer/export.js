// What is on the screen as one self-contained drawing, in the light colours.

import { contextOf, html, svg } from "../js/dom.js";
import { range } from "../js/numbers.js";
import { download } from "../js/save_menu.js";
import { GAP } from "./layout.js";
import { GRAY, inBlocks } from "./pixels.js";
import { onBar, ticksThatFit } from "./scale.js";

/** @import { View } from "./attention.js" */
/** @import { Layout } from "./layout.js" */
/** @import { Shades } from "./pixels.js" */

const INK = "#1f2328";
const PAPER = "#ffffff";
const HEADER = 58; // px
const FOOTER = 62; // px, of the colour bar and the note
const BAR = 200; // px
const SHAPES = 128; // across and down
const PAD = 16; // px
const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-weight"];

/**
 * @param {HTMLElement} el the frame
 * @param {{ heat: SVGElement, lines: SVGElement }} shown
 * @param {Layout} place
 * @param {View} view
 * @param {Shades} shades
 * @param {{ title: string, sentence: string, note: string }} words
 */
export function drawingOf(el, { heat, lines }, place, view, shades, { title, sentence, note }) {
  const { top, heatWidth, heatHeight, linesTop, linesWidth, linesHeight } = place;
  const width = heatWidth + linesWidth + GAP + 2 * PAD;
  const height = HEADER + Math.max(heatHeight, linesHeight + top - linesTop) + PAD + FOOTER;
  const text = (/** @type {number} */ y, /** @type {number} */ size, /** @type {number} */ weight, /** @type {string} */ line) =>
    svg("text", { x: PAD, y, "font-size": size, "font-weight": weight, fill: INK }, line);

  el.dataset.print = ""; // the style has the light colours for it
  const root = svg("svg", {
    xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`,
    "font-family": "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif",
  },
    svg("title", {}, `${title}. ${sentence}`), svg("rect", { width, height, fill: PAPER }),
    text(26, 15, 600, title), text(46, 13, 400, sentence),
    moved(heat, PAD, HEADER, ...cells(view, place, shades)), moved(lines, PAD + heatWidth + GAP, HEADER + top - linesTop),
    colourBarOf(view, shades, height - FOOTER));
  if (note) root.append(text(height - 12, 11, 400, note));
  delete el.dataset.print;
  return { text: new XMLSerializer().serializeToString(root), width, height };
}

/** A shape for each cell, or for each block of many, that stays sharp at any size. @param {View} view @param {Layout} place @param {Shades} shades */
function cells(view, { left, top, plotWidth, plotHeight }, shades) {
  const across = Math.min(view.columns.length, SHAPES), down = Math.min(view.rows.length, SHAPES);
  const width = plotWidth / across, height = plotHeight / down;
  return Array.from(inBlocks(view, across, down), (w, k) => svg("rect", {
    x: left + k % across * width, y: top + Math.floor(k / across) * height, width: width + 0.05, height: height + 0.05,
    fill: Number.isNaN(w) ? GRAY : shades.hex(view.scale, w),
  }));
}

/** @param {View} view @param {Shades} shades @param {number} y */
function colourBarOf({ scale, masked }, shades, y) {
  const strip = range(64).map(k =>
    svg("rect", { x: PAD + BAR * k / 64, y, width: BAR / 64 + 0.05, height: 9, fill: shades.colours[Math.round((shades.colours.length - 1) * k / 63)] }));
  const label = (/** @type {number} */ x, /** @type {string} */ words) =>
    svg("text", { x, y: y + 23, "font-size": 11, "text-anchor": "middle", fill: INK }, words);
  const ticks = ticksThatFit(scale, BAR).map(tick => label(PAD + BAR * onBar(scale, tick), `${tick}`.replace("-", "−")));
  const gray = masked.includes(1) ? [
    svg("rect", { x: PAD + BAR + 40, y, width: 13, height: 9, fill: GRAY }), label(PAD + BAR + 46, "masked"),
  ] : [];
  return svg("g", {}, ...strip, ...ticks, ...gray);
}

/** A copy of a drawing, at (x, y). @param {SVGElement} source @param {number} x @param {number} y @param {...SVGElement} before */
function moved(source, x, y, ...before) {
  const copies = [...source.children].map(child => styled(child, /** @type {Element} */ (child.cloneNode(true))));
  return svg("g", { transform: `translate(${x} ${y})` }, ...before, ...copies);
}

/** The copy, with what the style gives to the source written as attributes. @param {Element} source @param {Element} copy */
function styled(source, copy) {
  const style = getComputedStyle(source);
  for (const name of STYLES) copy.setAttribute(name, style.getPropertyValue(name));
  for (const [k, child] of [...source.children].entries()) styled(child, copy.children[k]);
  return copy;
}

/** @param {ReturnType<typeof drawingOf>} drawing @param {string} name */
export const saveSvg = ({ text }, name) => download(name, new Blob([text], { type: "image/svg+xml" }));

/** @param {ReturnType<typeof drawingOf>} drawing @param {string} name */
export async function savePng({ text, width, height }, name) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = html("canvas", { width: Math.ceil(2 * width), height: Math.ceil(2 * height) });
  contextOf(canvas).drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob(blob => { if (blob) download(name, blob); });
}
