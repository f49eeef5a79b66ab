// The panel "All heads": a grid of small heatmaps.

import { html } from "../js/dom.js";
import { roving } from "../js/keys.js";
import { range } from "../js/numbers.js";
import { blocksOf, cellsOf } from "./attention.js";
import { headName } from "./in_words.js";
import { topOf } from "./scale.js";

/** @import { Panel } from "../js/tabs.js" */
/** @import { View } from "./attention.js" */
/** @import { Attention } from "./part.js" */
/** @import { OnDemand } from "./on_demand.js" */
/** @import { Shades } from "./pixels.js" */

const PIXELS = 56; // across and down, of a thumbnail
const BLOCKS = "Each square of a small picture shows the strongest of several weights and so looks darker than the heatmap.";
const SLICE = 8; // ms of painting after which keys are let through

/**
 * @param {Attention} attention
 * @param {() => View} view
 * @param {Shades} shades
 * @param {OnDemand} asked
 * @param {(k: number) => void} chooseHead
 * @returns {Panel & { stop: () => void }}
 */
export function headsPanel(attention, view, shades, asked, chooseHead) {
  const { L, H } = attention, body = html("div");
  // One canvas for all: each canvas on a page is a layer of its own, and 48 of them cost 20 ms in every frame.
  const canvas = html("canvas");
  /** @type {{ node: HTMLElement, picture: HTMLElement }[]} */
  let thumbs = [];
  let painted = "", run = 0, next = 0, isWaiting = false;

  function build() {
    thumbs = range(L * H).map(k => {
      const name = headName(attention, { layer: Math.floor(k / H), head: k % H }), picture = html("div", { "aria-hidden": "true" });
      const names = { role: "gridcell", title: name, "aria-label": name };
      const node = html("div", { ...names, className: "nl-thumb", onclick: () => chooseHead(k) }, picture);
      return { node, picture };
    });
    const nodes = thumbs.map(({ node }) => node);
    const head = html("div", { role: "row" }, html("span", { className: "nl-corner", role: "columnheader" }, "Head"),
      ...attention.heads.map(h => html("span", { role: "columnheader" }, `${h + attention.first}`)));
    const layers = range(L).map(l =>
      html("div", { role: "row" }, html("span", { role: "rowheader" }, `Layer ${attention.layers[l] + attention.first}`), ...nodes.slice(l * H, (l + 1) * H)));
    const grid = html("div", { className: "nl-heads", role: "grid", "aria-label": "All heads; arrow keys choose one" },
      head, ...layers);
    grid.style.setProperty("--nl-heads", String(H));
    grid.style.setProperty("--nl-gap", L * H > 64 ? "3px" : "6px");
    roving(grid, nodes, H, chooseHead);
    const areBlocks = Math.max(attention.T, attention.S) > PIXELS;
    body.replaceChildren(grid, ...(areBlocks ? [html("p", { className: "nl-quiet" }, BLOCKS)] : []));
    painted = "none yet";
  }

  function paint(/** @type {number} */ k) {
    const { rows, columns, vmax, scale: { growth, isSigned }, hidden } = view(), across = Math.min(columns.length, PIXELS), down = Math.min(rows.length, PIXELS);
    const thumbsOfLayer = attention.isWhole ? null : asked.thumbs(Math.floor(k / H), hidden);
    if (!attention.isWhole && !thumbsOfLayer) return false; // on its way
    const cells = thumbsOfLayer ? blocksOf(thumbsOfLayer, attention.kind, k % H, across, down) : cellsOf(attention, k, { rows, columns });
    shades.paint(canvas, cells, { growth, isSigned, top: topOf(vmax, cells.weights) }, across, down);
    thumbs[k].picture.style.backgroundImage = `url(${canvas.toDataURL()})`;
    return true;
  }
  // A few heads at a time, so that many heads of a long text leave the keys free.
  function paintFrom(/** @type {number} */ k, /** @type {number} */ mine) {
    if (mine !== run || k === thumbs.length) return;
    const until = performance.now() + SLICE;
    for (next = k; next < thumbs.length && performance.now() < until; next++) {
      isWaiting = !paint(next);
      if (isWaiting) return;
    }
    setTimeout(paintFrom, 0, next, mine);
  }

  function fill() {
    if (!thumbs.length) build();
    const { layer, head, combine, hidden, scale, vmax } = view(), look = [scale.growth, vmax, ...hidden].join();
    thumbs.forEach(({ node }, k) => {
      const isHere = k === layer * H + head, isChosen = isHere && !combine;
      node.setAttribute("aria-selected", String(isChosen));
      node.tabIndex = isHere ? 0 : -1;
    });
    if (painted === look && isWaiting) paintFrom(next, run);
    if (painted === look) return;
    painted = look;
    run += 1;
    paintFrom(0, run);
  }
  return { name: "heads", title: "All heads", body, fill, stop: () => { run = -1; } };
}
