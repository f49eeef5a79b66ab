// The signs by which curves are told apart without colours.

import { svg } from "../js/dom.js";

const R = 4; // px
const SHAPES = [
  `m${-R} 0a${R} ${R} 0 1 0 ${2 * R} 0a${R} ${R} 0 1 0 ${-2 * R} 0z`,
  `m${0.5 - R} ${0.5 - R}h${2 * R - 1}v${2 * R - 1}h${1 - 2 * R}z`,
  `m0 ${-R}l${R} ${2 * R - 1}h${-2 * R}z`,
  `m0 ${-R}l${R} ${R}l${-R} ${R}l${-R} ${-R}z`,
  `m0 ${R}l${R} ${1 - 2 * R}h${-2 * R}z`,
  `m${-R} -1.5h${R - 1.5}v${1.5 - R}h3v${R - 1.5}h${R - 1.5}v3h${1.5 - R}v${R - 1.5}h-3v${1.5 - R}h${1.5 - R}z`,
  `m${-R} ${1.5 - R}l1.5 -1.5l${R - 1.5} ${R - 1.5}l${R - 1.5} ${1.5 - R}l1.5 1.5l${1.5 - R} ${R - 1.5}l${R - 1.5} ${R - 1.5}` +
    `l-1.5 1.5l${1.5 - R} ${1.5 - R}l${1.5 - R} ${R - 1.5}l-1.5 -1.5l${R - 1.5} ${1.5 - R}z`,
];

/** The sign of the k-th training at (x, y). @param {number} k @param {number} x @param {number} y @param {string} colour */
export const marker = (k, x, y, colour) =>
  svg("path", { d: `M${x} ${y}${SHAPES[k]}`, class: "nl-mark", style: `fill: ${colour}` });
