// What is on the screen as one self-contained drawing, in the light colours.

import { contextOf, html, svg } from "../js/dom.js";
import { download } from "../js/save_menu.js";
import { GAP } from "./layout.js";

/** @import { Layout } from "./layout.js" */

const INK = "#1f2328";
const PAPER = "#ffffff";
const HEADER = 58; // px
const PAD = 16; // px
const STYLES = ["fill", "stroke", "stroke-width", "font-weight"];

/**
 * @param {HTMLElement} el the frame
 * @param {{ heat: SVGElement, canvas: HTMLCanvasElement, lines: SVGElement }} shown
 * @param {Layout} place
 * @param {{ title: string, sentence: string, note: string }} words
 */
export function drawingOf(el, { heat, canvas, lines }, place, { title, sentence, note }) {
  const { left, top, plotWidth, plotHeight, heatWidth, heatHeight, linesTop, linesWidth, linesHeight } = place;
  const width = heatWidth + linesWidth + GAP + 2 * PAD;
  const height = HEADER + Math.max(heatHeight, linesHeight + top - linesTop) + PAD + (note ? 22 : 0);
  const image = svg("image", {
    x: left, y: top, width: plotWidth, height: plotHeight, href: canvas.toDataURL(),
    preserveAspectRatio: "none", style: "image-rendering: pixelated",
  });
  const text = (/** @type {number} */ y, /** @type {number} */ size, /** @type {number} */ weight, /** @type {string} */ line) =>
    svg("text", { x: PAD, y, "font-size": size, "font-weight": weight, fill: INK }, line);

  el.dataset.print = ""; // the style has the light colours for it
  const root = svg("svg", {
    xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`,
    "font-family": "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif",
  },
    svg("title", {}, `${title}. ${sentence}`), svg("rect", { width, height, fill: PAPER }),
    text(26, 15, 600, title), text(46, 13, 400, sentence),
    moved(heat, PAD, HEADER, image), moved(lines, PAD + heatWidth + GAP, HEADER + top - linesTop));
  if (note) root.append(text(height - 14, 11, 400, note));
  delete el.dataset.print;
  return { text: new XMLSerializer().serializeToString(root), width, height };
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
