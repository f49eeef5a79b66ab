// What the menu "Save" offers: Python writes the files where it runs, the browser on a page of its own.

import { html } from "../js/dom.js";
import { download, saveMenu } from "../js/save_menu.js";
import { drawingOf, savePng, saveSvg } from "./export.js";
import { asTable, headName, noteOf, sentence } from "./in_words.js";
import { SIGNS } from "./signed.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { View } from "./attention.js" */
/** @import { Attention, State } from "./part.js" */
/** @import { Layout } from "./layout.js" */
/** @import { Shades } from "./pixels.js" */

/** @typedef {{ attention: Attention, view: View, place: Layout, rs: number[] }} Now */
/** @typedef {{ kind: string, ending: string, type: string, what: string }} FileMessage */

/** @param {Now} now @param {string} ending @param {string} [what] */
const fileName = ({ attention, view }, ending, what = "attention") =>
  `${what}-${headName(attention, view).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.${ending}`;

/**
 * @param {Model<State>} model
 * @param {HTMLElement} el the frame
 * @param {{ heat: SVGElement, lines: SVGElement }} drawn
 * @param {Shades} shades
 * @param {() => Now} now
 * @param {(words: () => string) => void} say
 * @param {(() => { from: number, to: number } | null) | undefined} toExplain the cell whose weight is explained; left out where queries and keys are not known
 * @param {() => void} sayWhatToDo where no cell is chosen
 */
export function savings(model, el, drawn, shades, now, say, toExplain, sayWhatToDo) {
  const drawing = () => {
    const { attention, view, place, rs } = now(), name = model.get("model");
    return drawingOf(el, drawn, place, view, shades, {
      title: `${name ? `${name} · ` : ""}${headName(attention, view)}`, sentence: sentence(attention, view, rs), note: [SIGNS[attention.kind], noteOf(attention, view)].filter(Boolean).join(" "),
    });
  };
  const ask = (/** @type {string} */ ending) => () => model.send?.({ ask: ending });
  const copy = async () => {
    await copyText(asTable(now().attention, now().view));
    say(() => `The numbers of ${headName(now().attention, now().view)} are copied.`);
  };
  const explain = () => {
    const cell = toExplain?.();
    if (cell) model.send?.({ ask: "explanation", ...cell });
    else sayWhatToDo();
  };
  return saveMenu(model.send ? {
    "Figure (PDF)": ask("pdf"), "Figure (SVG)": ask("svg"), "Figure (PNG)": ask("png"), ...(toExplain ? { "Why this weight (PDF)": explain } : {}),
    "Page (HTML)": ask("html"), "Copy the numbers": copy,
  } : {
    "Figure (SVG)": () => saveSvg(drawing(), fileName(now(), "svg")),
    "Figure (PNG)": () => savePng(drawing(), fileName(now(), "png")),
    "Copy the numbers": copy,
  });
}

/** A file that Python has written. @param {FileMessage} message @param {DataView[]} buffers @param {Now} now */
export function receive({ ending, type, what }, buffers, now) {
  download(fileName(now, ending, what), new Blob([/** @type {BlobPart} */ (buffers[0])], { type }));
}

/** @param {string} text */
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = html("textarea", { value: text }); // a page that did not come over https
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
