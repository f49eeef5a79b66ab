// The chosen row in words, on the page and spoken.

import { html } from "../js/dom.js";
import { rowOf } from "./attention.js";
import { cellInWords, cellSentence, headName, news, noteOf, reading, rowNames, sentence, strongest } from "./in_words.js";

/** @import { View } from "./attention.js" */
/** @import { Attention } from "./part.js" */
/** @import { Said } from "./in_words.js" */
/** @import { Active } from "./selection.js" */

/** @param {Attention} attention @param {() => void} clear */
export function readout(attention, clear) {
  const node = html("p", { className: "nl-readout" }), note = html("p", { className: "nl-note" });
  /** @type {Said | null} */
  let last = null;
  let refusal = "", shown = ""; // why something cannot be given, until something else is shown

  /** @param {View} view @param {Active} active @param {boolean} isPinned */
  function words(view, { rs, r, c, isTogether }, isPinned) {
    if (!rs.length) {
      const hint = view.columns.length
        ? `Point at a ${attention.item}, or use the arrow keys in the heatmap, to read its row; with Shift, the mean of several.` : `Every ${attention.item} is hidden.`;
      return [html("span", { className: "nl-quiet" }, hint)];
    }
    const parts = [html("strong", {}, rowNames(attention, view, rs)), reading(attention, view, rs)];
    const isSaid = !isTogether && attention.kind === "weights" && c >= 0 && strongest(rowOf(view, r), "weights").includes(c);
    if (r >= 0 && c >= 0 && !isSaid) {
      parts.push(html("span", { className: "nl-quiet" }, ` · ${isTogether ? cellSentence(attention, view, r, c) : cellInWords(attention, view, r, c)}`));
    }
    if (isPinned) parts.push(html("button", { type: "button", className: "nl-plain", onclick: clear }, "Clear"));
    return parts;
  }

  return {
    node, note,
    /** @param {View} view @param {Active} active @param {boolean} isPinned */
    show(view, active, isPinned) {
      node.replaceChildren(html("span", { className: "nl-where" }, headName(attention, view)), ...words(view, active, isPinned));
      const now = [view.layer, view.head, view.combine, view.hidden, active.rs, active.r, active.c].join(":");
      if (now !== shown) refusal = "";
      shown = now;
      note.textContent = refusal || noteOf(attention, view);
    },
    /** @param {string} why something that was asked for cannot be given */
    refuse(why) {
      refusal = note.textContent = why;
    },
    /** What is new since the last call. @param {View} view @param {Active} active */
    news(view, { rs, r, c, isTogether }) {
      if (refusal) return refusal;
      const isRead = isTogether && r >= 0 ? `${attention.rowWords[view.rows[r]]}, ${rs.includes(r) ? "chosen" : "not chosen"}` : "";
      const cell = [isRead, r >= 0 && c >= 0 ? cellSentence(attention, view, r, c) : ""].filter(Boolean).join(". ");
      const now = { head: headName(attention, view), sentence: sentence(attention, view, rs), cell, note: noteOf(attention, view) };
      const said = news(last, now, attention.item);
      last = now;
      return said;
    },
  };
}
