// The panel "Rank heads": by the link between two words, or by what each head does on the whole.

import { html } from "../js/dom.js";
import { argmax, range } from "../js/numbers.js";
import { isMasked, linkOf, linkWeight, rowOf } from "./attention.js";
import { headName } from "./in_words.js";
import { printed } from "./signed.js";

/** @import { Panel } from "../js/tabs.js" */
/** @import { View } from "./attention.js" */
/** @import { OnDemand } from "./on_demand.js" */
/** @import { Attention } from "./part.js" */
/** @import { Selection } from "./selection.js" */

const FEW = 8;
const LINK = "a link between two words";

/**
 * @param {Attention} attention
 * @param {() => View} view
 * @param {OnDemand} asked
 * @param {Selection} selected
 * @param {() => number | null} token
 * @param {(k: number) => void} chooseHead
 * @returns {Panel}
 */
export function rankingPanel(attention, view, asked, selected, token, chooseHead) {
  const { L, H, rowWords, columnWords } = attention;
  const from = chooser("From", value => change({ from: value })), to = chooser("to", value => change({ to: value }));
  const by = html("select", { "aria-label": "Rank by", onchange: () => fill() },
    ...[LINK, ...Object.keys(attention.measures)].map(name => html("option", { value: name }, name)));
  const lowest = html("input", { type: "checkbox", onchange: () => fill() }), ends = html("span", { className: "nl-link" }, from.node, to.node);
  const over = html("p", { className: "nl-quiet" });
  const list = html("ol", { className: "nl-ranking" });
  const masked = html("p", {}, "This link is masked in every head.");
  let showsAll = false;
  const more = html("button", { type: "button", className: "nl-plain", onclick: () => { showsAll = !showsAll; fill(); } });
  const body = html("div", {}, html("div", { className: "nl-link" }, html("label", {}, html("span", {}, "By"), by), ends,
    html("label", {}, lowest, "lowest first")), over, masked, list, more);

  function change(/** @type {{ from?: number, to?: number }} */ end) {
    if (selected.link) selected.link = { ...selected.link, ...end };
    fill();
  }

  /** The link that is ranked; where it was hidden, the strongest of the chosen row. */
  function currentLink() {
    const { rows, columns } = view(), { link } = selected;
    if (link && rows.includes(link.from) && columns.includes(link.to)) return link;
    const open = rows.filter((_, k) => !isMasked(view(), k));
    const r = Math.max(0, rows.indexOf(token() ?? open[open.length - 1]));
    selected.link = { from: rows[r], to: columns[argmax(rowOf(view(), r))] };
    return selected.link;
  }

  function fill() {
    const { rows, columns, layer, head, combine } = view();
    if (!rows.length || !columns.length) return;
    const link = currentLink(), measured = attention.measures[by.value];
    ends.hidden = measured !== undefined;
    over.hidden = !ends.hidden;
    over.textContent = `${attention.kind === "weights" ? "The mean over" : "Of"} all words, hidden ones included${by.value === "entropy" ? ", in bits" : ""}.`;
    from.show(rowWords, rows, link.from);
    to.show(columnWords, columns, link.to);
    const links = measured || attention.isWhole ? null : asked.link(link.from, link.to, view().hidden);
    if (!measured && !attention.isWhole && !links) return; // on their way
    const weightOf = (/** @type {number} */ k) => links ? linkOf(links, attention.kind, k) : linkWeight(attention, k, view(), link.from, link.to);
    const ranked = range(L * H).map(k => ({ k, weight: measured ? measured[k] : weightOf(k) ?? NaN }))
      .filter(({ weight }) => !Number.isNaN(weight)).sort((a, b) => (lowest.checked ? a.weight - b.weight : b.weight - a.weight));
    masked.hidden = ranked.length > 0;
    const whole = measured ? Math.max(...measured) || 1 : attention.kind === "weights" ? 1 : Math.max(...ranked.map(({ weight }) => Math.abs(weight))) || 1;
    const focused = /** @type {HTMLElement | null} */ (list.querySelector(":focus"))?.dataset.k;
    list.replaceChildren(...ranked.slice(0, showsAll ? L * H : FEW).map(({ k, weight }) => {
      const choose = () => { chooseHead(k); if (!measured) selected.chooseLink(link.from, link.to); };
      return html("li", {}, html("button", { type: "button", "data-k": k, "aria-pressed": !combine && k === layer * H + head, onclick: choose },
        html("span", {}, headName(attention, { layer: Math.floor(k / H), head: k % H })),
        html("span", { className: "nl-track" }, html("i", { className: weight < 0 ? "nl-less" : "", style: `width: ${100 * Math.abs(weight) / whole}%` })), html("b", {}, measured ? weight.toFixed(2) : printed(weight, attention))));
    }));
    if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`[data-k="${focused}"]`))?.focus();
    more.hidden = ranked.length <= FEW;
    more.textContent = showsAll ? `Show the first ${FEW}` : `Show all ${ranked.length}`;
  }
  return { name: "rank", title: "Rank heads", body, fill };
}

/** A choice of words. @param {string} label @param {(position: number) => void} changed */
function chooser(label, changed) {
  const select = html("select", { "aria-label": label, onchange: () => changed(Number(select.value)) });
  /** @type {number[]} */
  let shown = [];
  return {
    node: html("label", {}, html("span", {}, label), select),
    /** @param {string[]} words @param {number[]} positions those to choose from @param {number} chosen */
    show(words, positions, chosen) {
      if (shown !== positions) select.replaceChildren(...positions.map(i => html("option", { value: i }, words[i])));
      shown = positions;
      select.value = String(chosen);
    },
  };
}
