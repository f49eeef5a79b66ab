// Words as labels: what is invisible in them, how wide they are, which of them fit.

import { contextOf } from "./dom.js";

/** Spaces at the ends of a word and line breaks, shown as signs. @param {string} word */
export const visible = word =>
  word.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/^ +| +$/g, spaces => "␣".repeat(spaces.length));

/** A word of at most `most` characters, cut with an ellipsis. @param {string} word @param {number} most */
export const truncated = (word, most) => (word.length > most ? `${word.slice(0, most - 1)}…` : word);

/** Measures words in a font, in px. @param {string} font as in CSS */
export function ruler(font) {
  const context = contextOf(document.createElement("canvas"));
  context.font = font;
  return (/** @type {string} */ word) => context.measureText(word).width;
}
