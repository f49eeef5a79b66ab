// One part of a model on the page: built once, then drawn again whenever the state changes.

import { announcer } from "../js/announce.js";
import { html } from "../js/dom.js";
import { onKeys } from "../js/keys.js";
import { fitter } from "../js/labels.js";
import { assign, frame, snapshot } from "../js/lifecycle.js";
import { counted } from "../js/numbers.js";
import { tabbed } from "../js/tabs.js";
import { mapOf, viewOf } from "./attention.js";
import { combineSwitch, headSliders } from "./bar.js";
import { chooseByHand } from "./by_hand.js";
import { colourBar } from "./colour_bar.js";
import { headsPanel } from "./heads.js";
import { heatmap } from "./heatmap.js";
import { headName, sentence } from "./in_words.js";
import { layout } from "./layout.js";
import { lines } from "./lines.js";
import { onDemand } from "./on_demand.js";
import { hidePanel, wordsPanel } from "./panels.js";
import { attentionOf } from "./part.js";
import { chooseSide, partSwitches, SIDES } from "./parts.js";
import { shadesOf } from "./pixels.js";
import { rankingPanel } from "./ranking.js";
import { readout } from "./readout.js";
import { savings } from "./saving.js";
import { selection } from "./selection.js";
import { ALL_OF, SIGNS } from "./signed.js";
import { whyPanel } from "./why_panel.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { State } from "./part.js" */
/** @import { Layout } from "./layout.js" */

const NO_WHY = "Why a weight is what it is depends on a query and a key: this explorer was given the weights alone.";
const LABEL_MAX = 96; // px; longer words are cut, and the readout has them whole
/** What changes while a part is shown. @type {(keyof State)[]} */
export const CHANGING = ["layer", "head", "combine", "token", "together", "hidden", "scale", "vmax"];

/**
 * @param {Model<State>} model
 * @param {HTMLElement} el
 * @param {() => void} redraw asks for a draw with the next frame
 * @param {{ tab?: string, column?: number | null }} [kept] the open panel, and the pair of the chosen column, of what was shown before
 */
export function explorer(model, el, redraw, kept = {}) {
  const read = () => snapshot(model, CHANGING), colours = model.get("colours");
  const attention = attentionOf(snapshot(model, ["data", "part", "first"])), { L, H, T, item } = attention;
  const asked = onDemand(model, attention, redraw);
  let view = viewOf(attention, read()), isHere = asked.has(mapOf(attention, view)), placeKey = "";
  /** @type {Layout} */
  let place;
  const now = () => view, fit = fitter(el, LABEL_MAX), shades = shadesOf(attention.kind === "weights" ? colours.weights : colours.signed);
  const selected = selection(model, now, redraw), opened = { from: model.get("token"), to: model.get("to") };
  if (opened.from !== null && opened.to !== null) selected.link = { from: opened.from, to: opened.to };

  frame(el, "nl-explorer", `Attention explorer: ${L} × ${H} heads, ${counted(T, item)}`, colours);
  const combined = combineSwitch(model, attention), numbers = headSliders(model, attention), sliders = [...combined, ...numbers];
  const scale = colourBar(model, shades.colours, attention.kind);
  const heat = heatmap(attention, shades, fit), links = lines(attention, fit);
  const said = readout(attention, clear), spoken = announcer();
  selected.chooseColumn(attention.pairs && kept.column !== null ? attention.pairs[1].indexOf(kept.column ?? -1) : -1);
  if (attention.pairs) onKeys(heat.node, Object.fromEntries(SIDES.map((side, k) => [`${k + 1}`, () => chooseSide(model, side)])));
  chooseByHand(selected, now, () => place, heat, links.node, clear, byKey => {
    if (why) panels.open(why.name);
    else if (byKey) refuse(NO_WHY);
  });

  const chooseHead = (/** @type {number} */ k) => assign(model, { layer: Math.floor(k / H), head: k % H, combine: "" });
  const grid = headsPanel(attention, now, shades, asked, chooseHead);
  const ofHeads = L * H > 1 ? [grid, rankingPanel(attention, now, asked, selected, () => model.get("token"), chooseHead)] : [];
  const why = attention.why && whyPanel(attention, now, selected, asked, colours.signed);
  const panels = tabbed("More about these heads", [...ofHeads, ...(why ? [why] : []), wordsPanel(attention, now), hidePanel(attention, model.get("groups"), model)], kept.tab);

  const blanks = html("span", {}, `${attention.kind === "difference" ? "Changes" : "Weights"} below 0.005 have no number.`);
  const legend = html("div", { className: "nl-legend" },
    html("span", {}, `Each row is a ${item} that attends, each column a ${item} that it attends to.`), html("span", {}, SIGNS[attention.kind]), blanks,
    html("span", {}, attention.why ? "Click a cell, or press Enter, to see why its weight is what it is." : ""), scale.node);
  const state = () => ({ attention, view, place, rs: selected.active().rs });
  const menu = savings(model, el, { heat: heat.drawing, lines: links.node }, shades, state, spoken.say, why?.cell, () => { if (why) panels.open(why.name); });
  const name = model.get("model");
  el.replaceChildren(
    html("div", { className: "nl-bar" },
      ...(name ? [html("strong", {}, name)] : []), ...partSwitches(model), ...combined.map(({ node }) => node),
      html("span", { className: "nl-sliders" }, ...numbers.map(({ node }) => node)), menu),
    said.node,
    html("div", { className: "nl-plots" },
      html("div", { className: "nl-left" }, heat.node, legend, said.note),
      html("div", { className: "nl-side" }, ...panels.nodes, links.node)),
    spoken.node);

  function clear() {
    selected.clear();
    heat.node.focus();
  }

  /** What was asked for cannot be given. @param {string} why */
  function refuse(why) {
    said.refuse(why);
    spoken.say(() => why);
  }

  function measure() {
    const width = el.clientWidth - 2 * parseFloat(getComputedStyle(el).paddingLeft), key = [width, ...view.hidden].join();
    if (key !== placeKey) place = layout(attention, view, width, fit);
    placeKey = key;
  }

  function draw() {
    if (!el.clientWidth) return; // not on the page yet: the size watch draws once it is
    const { token, together } = read();
    for (const { show } of sliders) show();
    const next = viewOf(attention, read(), isHere ? view : undefined);
    if (!asked.has(mapOf(attention, next))) { // what was shown stays until the next is here
      panels.fill();
      return;
    }
    view = next;
    isHere = true;
    measure();
    const active = selected.active();
    scale.show(view);
    heat.show(view, place, active);
    links.show(view, place, active);
    said.show(view, active, token !== null || together.length > 0);
    blanks.hidden = !place.hasNumbers || attention.kind === "scores" || attention.kind === "signed";
    heat.node.setAttribute("aria-label", `${headName(attention, view)}, ${attention.cross ? "cross-" : ""}${ALL_OF[attention.kind]}. ` +
      `Up and down choose the ${item} that attends, left and right a ${item} that it attends to, Escape clears. Shift with up and ` +
      `down chooses several ${item}s for their mean, Space adds or removes one.` +
      (attention.pairs ? " 1, 2 and 3 switch to the first sentence, the second and the difference." : ""));
    links.node.setAttribute("aria-label", sentence(attention, view, active.rs) || `Lines of ${headName(attention, view)}`);
    panels.fill();
    el.dataset.drawn = [view.layer, view.combine || view.head, token ?? "", selected.column() ?? "", ...(together.length ? [together] : [])].join(":");
    spoken.say(() => [said.news(view, active), why && panels.opened() === why.name ? why.sentence() : ""].filter(Boolean).join(". "));
  }

  panels.fill();
  draw();
  return {
    draw, state,
    /** What is kept where another part is shown. */
    kept: () => ({ tab: panels.opened(), column: attention.pairs?.[1][selected.column() ?? -1] ?? null }),
    refuse, receive: asked.receive,
    stop() {
      spoken.stop();
      grid.stop();
    },
  };
}
