// Words as labels: what is invisible in them, how wide they are, which of them fit.

import { contextOf, svg } from "./dom.js";

/** Spaces at the ends of a word and line breaks, shown as signs. @param {string} word */
export const visible = word =>
  word.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/^ +| +$/g, spaces => "␣".repeat(spaces.length)) || "(empty)";

/** Words that occur more than once are numbered: the, cat, the become the₁, cat, the₂. @param {string[]} words */
export function numberRepeats(words) {
  const subscript = (/** @type {number} */ n) => String(n).replace(/\d/g, digit => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]);
  const count = (/** @type {string[]} */ among, /** @type {string} */ word) => among.filter(other => other === word).length;
  return words.map((word, k) => (count(words, word) === 1 ? word : word + subscript(count(words.slice(0, k + 1), word))));
}

/** A word between numbers: one of a script from right to left would change their order. @param {string} word */
export const isolated = word => (/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/.test(word) ? `\u2068${word}\u2069` : word);

/** A word of at most `most` characters, cut with an ellipsis. @param {string} word @param {number} most */
export function truncated(word, most) {
  const characters = [...word]; // an emoji is two units of a string, and one of these
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : word;
}

/** Measures words in a font, in px. @param {string} font as in CSS */
export function ruler(font) {
  const context = contextOf(document.createElement("canvas"));
  context.font = font;
  return (/** @type {string} */ word) => context.measureText(word).width;
}

/**
 * Cuts words to a width with an ellipsis; measured in the bold font of `el`, each once.
 * @param {HTMLElement} el
 * @param {number} most in px
 */
export function fitter(el, most) {
  /** @type {Map<string, { text: string, width: number }>} */
  const known = new Map();
  const context = contextOf(document.createElement("canvas"));
  return (/** @type {string} */ word, /** @type {number} */ size) => {
    const key = `${size} ${word}`;
    let cut = known.get(key);
    if (cut) return cut;
    context.font = `600 ${size}px ${getComputedStyle(el).fontFamily}`;
    cut = { text: word, width: context.measureText(word).width };
    for (const rest = [...word]; cut.width > most && rest.length > 1;) {
      rest.pop();
      const text = `${rest.join("")}…`;
      cut = { text, width: context.measureText(text).width };
    }
    known.set(key, cut);
    return cut;
  };
}

/**
 * What is in a label: the word as `fit` cuts it, and if it is cut, the whole word on pointing at it.
 * @param {(word: string, size: number) => { text: string }} fit
 * @param {string} word
 * @param {number} size
 */
export function fitted(fit, word, size) {
  const { text } = fit(word, size);
  return text === word ? [text] : [text, svg("title", {}, word)];
}

/**
 * Which of n labels to draw when each needs `need` px: the important ones first, then every k-th.
 * @param {number} n
 * @param {number} spacing px from label to label
 * @param {number} need
 * @param {number[]} important
 */
export function thinned(n, spacing, need, important) {
  const step = Math.max(1, Math.ceil(need / spacing));
  /** @type {number[]} */
  const drawn = [];
  const isFree = (/** @type {number} */ i) => drawn.every(k => Math.abs(k - i) * spacing >= need - 0.01);
  for (const i of important) if (isFree(i)) drawn.push(i);
  for (let i = 0; i < n; i += step) if (isFree(i)) drawn.push(i);
  return drawn;
}
