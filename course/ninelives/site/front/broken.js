// What the cards share in which the reader breaks something.

import { html } from "../../widgets/js/dom.js";
import { frenchWords } from "./french.js";

export const MOST = 16; // words: a broken network may not come to an end

/** @typedef {(words: string | null) => void} Say to those who hear the page */

/** @param {string} label @param {(on: boolean) => void} onchange */
export function toggle(label, onchange) {
  const box = html("input", { type: "checkbox", autocomplete: "off", onchange: () => onchange(box.checked) });
  return { box, node: html("label", { className: "toggle" }, box, ` ${label}`) };
}

/** An English sentence over its French. @param {string} english @param {{ french: string[] }} run @param {string[]} [before] */
export const line = (english, run, before) =>
  html("p", { className: "says" }, html("span", { className: "english" }, english), html("span", { lang: "fr" }, ...frenchWords(run, before)));
