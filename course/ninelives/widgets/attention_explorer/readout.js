// The chosen row in words, on the page and spoken.

import { html } from "../js/dom.js";
import { rowOf } from "./attention.js";
import { cellInWords, headName, news, noteOf, reading, sentence, strongest } from "./in_words.js";

/** @import { View } from "./attention.js" */
/** @import { Attention } from "./part.js" */
/** @import { Said } from "./in_words.js" */

/** @param {Attention} attention @param {() => void} clear */
export function readout(attention, clear) {
  const node = html("p", { className: "nl-readout" }), note = html("p", { className: "nl-note" });
  /** @type {Said | null} */
  let last = null;

  /** @param {View} view @param {number} r @param {number} c @param {boolean} isPinned */
  function words(view, r, c, isPinned) {
    if (r < 0) {
      const hint = view.columns.length ? "Point at a word, or use the arrow keys in the heatmap, to read its row."
        : "Every word is hidden.";
      return [html("span", { className: "nl-quiet" }, hint)];
    }
    const parts = [html("strong", {}, attention.rowWords[view.rows[r]]), ` ${reading(attention, view, r)}`];
    if (c >= 0 && !strongest(rowOf(view, r)).includes(c)) {
      parts.push(html("span", { className: "nl-quiet" }, ` · ${cellInWords(attention, view, r, c)}`));
    }
    if (isPinned) parts.push(html("button", { type: "button", className: "nl-plain", onclick: clear }, "Clear"));
    return parts;
  }

  return {
    node, note,
    /** @param {View} view @param {number} r @param {number} c @param {boolean} isPinned */
    show(view, r, c, isPinned) {
      node.replaceChildren(html("span", { className: "nl-where" }, headName(attention, view)), ...words(view, r, c, isPinned));
      note.textContent = noteOf(attention, view);
    },
    /** What is new since the last call. @param {View} view @param {number} r @param {number} c */
    news(view, r, c) {
      const cell = r >= 0 && c >= 0 ? `${attention.rowWords[view.rows[r]]} attends to ${cellInWords(attention, view, r, c)}` : "";
      const now = { head: headName(attention, view), sentence: sentence(attention, view, r), cell, note: noteOf(attention, view) };
      const said = news(last, now);
      last = now;
      return said;
    },
  };
}
