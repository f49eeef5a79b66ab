// What the menu "Save" offers.

import { saveMenu } from "../js/save_menu.js";
import { drawingOf, savePng, saveSvg } from "./export.js";
import { headName, noteOf, sentence } from "./in_words.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { Attention, State, View } from "./attention.js" */
/** @import { Layout } from "./layout.js" */

/**
 * @param {Model<State>} model
 * @param {HTMLElement} el the frame
 * @param {{ heat: SVGElement, canvas: HTMLCanvasElement, lines: SVGElement }} drawn
 * @param {() => { attention: Attention, view: View, place: Layout, r: number }} now
 */
export function savings(model, el, drawn, now) {
  const name = (/** @type {string} */ ending) => {
    const { attention, view } = now();
    return `attention-${headName(attention, view).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.${ending}`;
  };
  const drawing = () => {
    const { attention, view, place, r } = now();
    return drawingOf(el, drawn, place, { title: headName(attention, view), sentence: sentence(attention, view, r), note: noteOf(attention, view) });
  };
  /** @type {Record<string, () => void>} */
  const items = {
    "Picture (PNG)": () => savePng(drawing(), name("png")),
    "Drawing (SVG)": () => saveSvg(drawing(), name("svg")),
  };
  if (model.send) items["Page (HTML)"] = () => model.send?.({ ask: "html" });
  return saveMenu(items);
}
