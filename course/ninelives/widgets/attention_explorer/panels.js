// The panels "In words" and "Hide words".

import { html } from "../js/dom.js";
import { roving } from "../js/keys.js";
import { assign } from "../js/lifecycle.js";
import { counted } from "../js/numbers.js";
import { headName, noteOf, sentence } from "./in_words.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { Panel } from "../js/tabs.js" */
/** @import { View } from "./attention.js" */
/** @import { Attention, State } from "./part.js" */

const MOST_SENTENCES = 64;

/** @param {Attention} attention @param {() => View} view @returns {Panel} */
export function wordsPanel(attention, view) {
  const body = html("div");
  function fill() {
    const { rows } = view(), few = rows.slice(0, MOST_SENTENCES);
    body.replaceChildren(
      html("p", {}, `${headName(attention, view())}. ${noteOf(attention, view())}`),
      html("ul", { tabIndex: 0, "aria-label": "Rows in words" }, ...few.map((_, r) => html("li", {}, sentence(attention, view(), [r])))));
    if (rows.length > few.length) body.append(html("p", {}, `The first ${few.length} of ${counted(rows.length, attention.item)}.`));
  }
  return { name: "words", title: "In words", body, fill };
}

/** @param {Attention} attention @param {State["groups"]} groups @param {Model<State>} model @returns {Panel} */
export function hidePanel({ columnWords, cross, item }, groups, model) {
  const body = html("div"), hidden = () => model.get("hidden"), plural = item === "word" ? "Words" : "Tokens";
  const showAll = () => assign(model, { hidden: [] });
  const everyWord = html("button", { type: "button", className: "nl-plain", onclick: showAll }, `Show every ${item}`);
  const isHidden = (/** @type {number[]} */ columns) => columns.every(j => hidden().includes(j));
  const groupChips = Object.entries(groups).map(([name, columns]) => ({
    columns, node: html("button", { type: "button", className: "nl-chip", onclick: () => toggle(columns) }, name),
  }));
  /** @type {HTMLButtonElement[]} */
  let chips = [];

  /** Hide these columns, or show them if all of them are hidden. @param {number[]} columns */
  function toggle(columns) {
    const others = hidden().filter(j => !columns.includes(j)), token = model.get("token");
    const now = isHidden(columns) ? others : [...others, ...columns].sort((a, b) => a - b);
    // A hidden word is not chosen any more. In cross-attention its row stays.
    const chosen = { ...(token !== null && now.includes(token) ? { token: null } : {}), together: model.get("together").filter(i => !now.includes(i)) };
    assign(model, { hidden: now, ...(cross ? {} : chosen) });
  }
  function build() {
    chips = columnWords.map((word, j) =>
      html("button", { type: "button", className: "nl-chip", tabIndex: j ? -1 : 0, onclick: () => toggle([j]) }, word));
    const group = html("div", { className: "nl-chips", role: "group", "aria-label": `${plural} to hide` }, ...chips);
    roving(group, chips, 1);
    const gone = cross ? "its column" : "its row and its column";
    const what = `Choose a ${item} to hide ${gone}. What is left of each row is renormalised, so that it sums to 1 again.`;
    body.append(html("p", {}, what));
    if (groupChips.length) {
      const nodes = groupChips.map(({ node }) => node);
      body.append(html("div", { className: "nl-chips", role: "group", "aria-label": `Groups of ${item}s to hide` }, ...nodes));
    }
    body.append(group, everyWord);
  }
  function fill() {
    if (!chips.length) build();
    for (const [j, chip] of chips.entries()) chip.setAttribute("aria-pressed", String(hidden().includes(j)));
    for (const { node, columns } of groupChips) node.setAttribute("aria-pressed", String(isHidden(columns)));
    everyWord.disabled = !hidden().length;
  }
  return { name: "hide", title: `Hide ${item}s`, body, fill };
}
