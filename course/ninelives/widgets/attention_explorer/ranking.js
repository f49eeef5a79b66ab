// The panel "Rank heads": by the link between two words, or by what each head does on the whole.

import { html } from "../js/dom.js";
import { isolated } from "../js/labels.js";
import { argmax, range } from "../js/numbers.js";
import { isMasked, linkOf, linkWeight, rowOf } from "./attention.js";
import { headName, ROLLOUT } from "./in_words.js";
import { rolloutShares } from "./rollout.js";
import { printed } from "./signed.js";

/** @import { Panel } from "../js/tabs.js" */
/** @import { View } from "./attention.js" */
/** @import { OnDemand } from "./on_demand.js" */
/** @import { Attention } from "./part.js" */
/** @import { RolloutShares } from "./rollout.js" */
/** @import { Selection } from "./selection.js" */

/** @typedef {{ numbers: number[], whole: number, print: (number: number) => string, over: string }} Ranked `whole`: the number with the longest bar */

const FEW = 8;
const SHARE = "share of the rollout";
const ENTROPY = " In bits: 0 where one weight is 1; 3 where eight are equal.";

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
  const { L, H, rowWords, columnWords, item } = attention;
  const from = chooser("From", value => change({ from: value })), to = chooser("to", value => change({ to: value }));
  const by = html("select", { "aria-label": "Rank by", onchange: () => fill() },
    ...[`a link between two ${item}s`, ...(attention.rollout ? [SHARE] : []), ...Object.keys(attention.measures)].map(name => html("option", { value: name }, name)));
  const lowest = html("input", { type: "checkbox", onchange: () => fill() }), ends = html("span", { className: "nl-link" }, from.node, to.node);
  const about = html("p", { className: "nl-quiet" });
  const list = html("ol", { className: "nl-ranking" });
  let showsAll = false;
  /** @type {RolloutShares & { key: string } | null} */
  let computed = null;
  const more = html("button", { type: "button", className: "nl-plain", onclick: () => { showsAll = !showsAll; fill(); } });
  const body = html("div", {}, html("div", { className: "nl-link" }, html("label", {}, html("span", {}, "By"), by), ends,
    html("label", {}, lowest, "lowest first")), about, list, more);

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

  /** Of each head, NaN where masked; null while they are on their way. @param {{ from: number, to: number }} link */
  function linkWeights({ from, to }) {
    if (attention.isWhole) return range(L * H).map(k => linkWeight(attention, k, view(), from, to) ?? NaN);
    const links = asked.link(from, to, view().hidden);
    return links && range(L * H).map(k => linkOf(links, attention.kind, k) ?? NaN);
  }

  /** Of each head, and the rollout itself; null while they are on their way. @param {{ from: number, to: number }} link @returns {RolloutShares | null} */
  function rolloutOf({ from, to }) {
    if (attention.isWhole) {
      if (computed?.key !== `${from},${to}`) computed = { key: `${from},${to}`, ...rolloutShares(attention, from, to) };
      return computed;
    }
    const numbers = asked.shares(from, to);
    return numbers && { shares: range(L * H).map(k => linkOf(numbers, attention.kind, k) ?? 0), total: linkOf(numbers, attention.kind, L * H) ?? 0 };
  }

  /** What is ranked and what is said of it; null while numbers are on their way. @param {{ from: number, to: number }} link @returns {Ranked | null} */
  function toRank(link) {
    const measured = attention.measures[by.value];
    if (measured) {
      const over = `${attention.kind === "weights" ? "The mean over" : "Of"} all ${item}s, hidden ones included.${by.value === "entropy" ? ENTROPY : ""}`;
      return { numbers: measured, whole: Math.max(...measured), print: number => number.toFixed(2), over };
    }
    if (by.value === SHARE) {
      const rollout = rolloutOf(link), from = isolated(rowWords[link.from]), to = isolated(columnWords[link.to]);
      if (!rollout?.total) return rollout && { numbers: [], whole: 1, print: String, over: `No path leads from “${from}” to “${to}”, so no head has a share.` };
      return {
        numbers: rollout.shares, whole: Math.max(...rollout.shares), print: number => `${(100 * number).toFixed(1)} %`,
        over: `${ROLLOUT} After the last layer, the rollout from “${from}” to “${to}” is ${rollout.total.toFixed(2)}, hidden ${item}s included. In each layer, the shares of the heads and of the residual connection sum to 100 %.`,
      };
    }
    const numbers = linkWeights(link), isOpen = (/** @type {number} */ number) => !Number.isNaN(number);
    return numbers && {
      numbers, whole: attention.kind === "weights" ? 1 : Math.max(...numbers.filter(isOpen).map(Math.abs)), print: number => printed(number, attention),
      over: numbers.some(isOpen) ? "" : "This link is masked in every head.",
    };
  }

  function fill() {
    const { rows, columns, layer, head, combine } = view();
    if (!rows.length || !columns.length) return;
    const link = currentLink(), isOfLink = !attention.measures[by.value], found = toRank(link);
    ends.hidden = !isOfLink;
    from.show(rowWords, rows, link.from);
    to.show(columnWords, columns, link.to);
    if (!found) return;
    const { numbers, whole, print, over } = found;
    about.textContent = over;
    about.hidden = !over;
    const ranked = range(numbers.length).filter(k => !Number.isNaN(numbers[k])).sort((a, b) => (lowest.checked ? numbers[a] - numbers[b] : numbers[b] - numbers[a]));
    const focused = /** @type {HTMLElement | null} */ (list.querySelector(":focus"))?.dataset.k;
    list.replaceChildren(...ranked.slice(0, showsAll ? L * H : FEW).map(k => {
      const choose = () => { chooseHead(k); if (isOfLink) selected.chooseLink(link.from, link.to); };
      return html("li", {}, html("button", { type: "button", "data-k": k, "aria-pressed": !combine && k === layer * H + head, onclick: choose },
        html("span", {}, headName(attention, { layer: Math.floor(k / H), head: k % H })),
        html("span", { className: "nl-track" }, html("i", { className: numbers[k] < 0 ? "nl-less" : "", style: `width: ${100 * Math.abs(numbers[k]) / (whole || 1)}%` })), html("b", {}, print(numbers[k]))));
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
