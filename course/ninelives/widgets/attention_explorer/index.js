// The attention explorer, drawn in the browser.

import { announcer } from "../js/announce.js";
import { html } from "../js/dom.js";
import { fitter } from "../js/labels.js";
import { colourScale } from "../js/legend.js";
import { assign, connect, frame, onChange, oncePerFrame, snapshot } from "../js/lifecycle.js";
import { range } from "../js/numbers.js";
import { download, saveMenu } from "../js/save_menu.js";
import { slider } from "../js/slider.js";
import { tabbed } from "../js/tabs.js";
import { attentionOf, viewOf } from "./attention.js";
import { drawingOf, savePng, saveSvg } from "./export.js";
import { headsPanel } from "./heads.js";
import { heatmap } from "./heatmap.js";
import { headName, hiddenNote, sentence } from "./in_words.js";
import { layout } from "./layout.js";
import { lines } from "./lines.js";
import { hidePanel, wordsPanel } from "./panels.js";
import { shadesOf } from "./pixels.js";
import { rankingPanel } from "./ranking.js";
import { readout } from "./readout.js";
import { chooseByHand, selection } from "./selection.js";

/** @import { Model, RenderContext } from "../js/lifecycle.js" */
/** @import { State } from "./attention.js" */
/** @import { Layout } from "./layout.js" */

const LABEL_MAX = 96; // px; longer words are cut, and the readout has them whole
/** @type {(keyof State)[]} */
const CHANGING = ["layer", "head", "token", "hidden"];

/** @param {RenderContext<State>} context */
function render({ model, el }) {
  const read = () => snapshot(model, CHANGING), colours = model.get("colours");
  const attention = attentionOf(snapshot(model, ["shape", "rows", "columns", "cross", "weights"])), { L, H, T, S } = attention;
  let view = viewOf(attention, read()), placeKey = "";
  /** @type {Layout} */
  let place;
  const now = () => view, fit = fitter(el, LABEL_MAX), shades = shadesOf(colours.weights, Math.max(T, S));
  const selected = selection(model, now, () => redraw()), opened = { from: model.get("token"), to: model.get("to") };
  if (opened.from !== null && opened.to !== null) selected.link = { from: opened.from, to: opened.to };

  frame(el, "nl-explorer", `Attention explorer: ${L} × ${H} heads, ${T} words`, colours);
  const sliders = [traitSlider(model, "layer", "Layer", L), traitSlider(model, "head", "Head", H)];
  const heat = heatmap(attention, shades, fit), links = lines(attention, fit);
  const said = readout(attention, clear), spoken = announcer();
  chooseByHand(selected, now, () => place, heat, links.node, clear);

  const chooseHead = (/** @type {number} */ k) => assign(model, { layer: Math.floor(k / H), head: k % H });
  const grid = headsPanel(attention, now, shades, chooseHead);
  const ofHeads = L * H > 1 ? [grid, rankingPanel(attention, now, selected, () => model.get("token"), chooseHead)] : [];
  const panels = tabbed("More about these heads", [...ofHeads, wordsPanel(attention, now), hidePanel(attention, model.get("groups"), model)]);

  const blanks = html("span", {}, "Weights below 0.005 have no number.");
  const legend = html("div", { className: "nl-legend" },
    html("span", {}, "Each row is a word that attends, each column a word that it attends to."),
    blanks,
    colourScale("0", range(17).map(k => shades.hex(k / 16)), "1"));
  el.replaceChildren(
    html("div", { className: "nl-bar" }, ...sliders.map(({ node }) => node), saveMenu(savings())),
    said.node,
    html("div", { className: "nl-plots" },
      html("div", { className: "nl-left" }, heat.node, legend, said.note),
      html("div", { className: "nl-side" }, ...panels.nodes, links.node)),
    spoken.node);

  function clear() {
    selected.clear();
    heat.node.focus();
  }

  function savings() {
    const name = (/** @type {string} */ ending) => `attention-layer-${view.layer + 1}-head-${view.head + 1}.${ending}`;
    const drawing = () => drawingOf(el, { heat: heat.drawing, canvas: heat.canvas, lines: links.node }, place, {
      title: headName(attention, view), sentence: sentence(attention, view, selected.active().r), note: hiddenNote(view),
    });
    /** @type {Record<string, () => void>} */
    const items = {
      "Picture (PNG)": () => savePng(drawing(), name("png")),
      "Drawing (SVG)": () => saveSvg(drawing(), name("svg")),
    };
    if (model.send) items["Page (HTML)"] = () => model.send?.({ ask: "html" });
    return items;
  }

  function measure() {
    const width = el.clientWidth, key = [width, ...view.hidden].join();
    if (key !== placeKey) place = layout(attention, view, width, fit);
    placeKey = key;
  }

  function draw() {
    if (!el.clientWidth) return; // not on the page yet: the size watch draws once it is
    const { token } = read();
    view = viewOf(attention, read(), view);
    measure();
    const { r, c } = selected.active();
    for (const { show } of sliders) show();
    heat.show(view, place, r, c);
    links.show(view, place, r, c);
    said.show(view, r, c, token !== null);
    blanks.hidden = !place.hasNumbers;
    heat.node.setAttribute("aria-label", `${headName(attention, view)}, ${attention.cross ? "cross-" : ""}attention weights. ` +
      "Up and down choose the word that attends, left and right a word that it attends to, Escape clears.");
    links.node.setAttribute("aria-label", sentence(attention, view, r) || `Lines of ${headName(attention, view)}`);
    panels.fill();
    el.dataset.drawn = [view.layer, view.head, token ?? "", selected.column() ?? ""].join(":");
    spoken.say(() => said.news(view, r, c));
  }
  const redraw = oncePerFrame(draw);

  panels.fill();
  draw();
  const sizeWatch = new ResizeObserver(redraw);
  sizeWatch.observe(el);
  const onMessage = (/** @type {{ kind: string, page: string }} */ message) => {
    if (message.kind === "html") download("attention.html", new Blob([message.page], { type: "text/html" }));
  };
  const listeners = { ...onChange(CHANGING, redraw), "msg:custom": onMessage };
  return connect({ model, el }, listeners, () => sizeWatch.disconnect(), spoken.stop, grid.stop);
}

/**
 * A slider of a trait that is counted from 0.
 * @param {Model<State>} model
 * @param {"layer" | "head"} trait
 * @param {string} name
 * @param {number} count
 */
function traitSlider(model, trait, name, count) {
  const read = () => model.get(trait) + 1;
  return slider({
    name, read,
    limits: { min: 1, max: count, step: 1 },
    write: value => assign(model, { [trait]: value - 1 }),
    say: () => `${read()} of ${count}`,
    spoken: () => `${name} ${read()} of ${count}`,
    hidden: count === 1,
  });
}

export default { render };
