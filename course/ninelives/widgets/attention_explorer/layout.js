// Where everything is in heatmap and lines, in px.

/** @import { View } from "./attention.js" */
/** @import { Attention } from "./part.js" */

const PLOT_MAX = 520;
const CELL_MAX = 40;
const WIDTH_MAX = 1120;
const NUMBERS_FROM = 28; // smaller cells hold no number
const SIDE_BY_SIDE = 700; // on a narrower page heads and lines are below the heatmap
const HEAT_SHARE = 0.54; // of the width; the rest is for the heads and the lines
const SIDE_LEAST = 240; // of what is beside the heatmap; with less, it goes below (style.css)
const PITCH = 18; // from word to word beside the lines
const LINES_MAX = 360;
const LINES_TOP = 26;
export const GAP = 28; // between heatmap and what is beside it
const LEANING = 55 * Math.PI / 180; // the angle of the column labels
export const STANDING = Math.PI / 2; // of those that would not all have room otherwise

/**
 * @param {Attention} attention
 * @param {View} view
 * @param {number} available
 * @param {(word: string, size: number) => { width: number }} fit
 */
export function layout({ rowWords, columnWords, cross }, { rows, columns }, available, fit) {
  const width = Math.min(available, WIDTH_MAX), R = Math.max(1, rows.length), C = Math.max(1, columns.length);
  const size = Math.max(R, C) > 40 ? 11 : 12.5;
  const widest = (/** @type {string[]} */ words) => Math.max(8, ...words.map(word => fit(word, size).width));
  const left = widest(rows.map(i => rowWords[i])) + 10, right = widest(columns.map(j => columnWords[j]));
  const isWide = width >= SIDE_BY_SIDE, fewestLines = left + right + 150;
  const room = isWide ? Math.min(width * HEAT_SHARE, width - fewestLines - GAP) : width;

  const cells = (/** @type {number} */ overhang) => {
    let w = Math.min(CELL_MAX, (room - left - overhang) / C, PLOT_MAX / C), h = Math.min(CELL_MAX, PLOT_MAX / R);
    if (!cross || Math.min(w, h) >= 16) w = h = Math.min(w, h);
    return [w, h].map(x => (x >= 3 ? Math.floor(x) : x));
  };
  const isUpright = right <= cells(4)[0] - 6;
  const overhangAt = (/** @type {number} */ angle) => right * Math.cos(angle) + 6;
  const hasRoom = (/** @type {number} */ angle) => cells(overhangAt(angle))[0] >= (size + 1) / Math.sin(angle);
  const angle = hasRoom(LEANING) || !hasRoom(STANDING) ? LEANING : STANDING;
  const overhang = isUpright ? 4 : overhangAt(angle), [cw, ch] = cells(overhang);
  const top = isUpright ? size + 12 : right * Math.sin(angle) + size;
  const heatWidth = Math.ceil(left + cw * C + overhang), beside = width - heatWidth - GAP;
  const linesSpan = Math.min(PITCH * Math.max(R, C), LINES_MAX);
  return {
    size, isUpright, angle,
    left, top, // of the cells
    right, // the widest label of a column
    cw, ch, // of a cell
    fromPitch: linesSpan / R, toPitch: linesSpan / C, // of the words on both sides of the lines
    hasNumbers: Math.min(cw, ch) >= NUMBERS_FROM,
    plotWidth: cw * C, plotHeight: ch * R,
    heatWidth, heatHeight: top + ch * R + 4,
    linesTop: LINES_TOP,
    linesWidth: Math.floor(Math.min(beside >= SIDE_LEAST ? beside : width, 440)),
    linesHeight: LINES_TOP + linesSpan + 4,
  };
}

/** @typedef {ReturnType<typeof layout>} Layout */
