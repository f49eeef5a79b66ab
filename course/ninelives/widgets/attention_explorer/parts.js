// The parts of a model, and of two sentences the first, the second and the difference.

import { html } from "../js/dom.js";
import { roving } from "../js/keys.js";
import { assign } from "../js/lifecycle.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { Part, State } from "./part.js" */

export const SIDES = ["first", "second", "difference"]; // the last word of a name

/** The part of a name before its side. @param {string} name */
const baseOf = name => name.split(" ").slice(0, -1).join(" ");
/** @param {string} name */
const sideOf = name => name.split(" ").slice(-1)[0];

/** Switches between the parts; nothing where there is one. @param {Model<State>} model @returns {HTMLElement[]} */
export function partSwitches(model) {
  const now = model.get("part"), isPair = model.get("data")[0].pairs !== null;
  const names = [...new Set(model.get("data").map(({ name }) => (isPair ? baseOf(name) : name)))];
  const select = html("select", { "aria-label": "Part of the model", onchange: () => choose(isPair ? `${select.value} ${sideOf(now)}` : select.value) },
    ...names.map(name => html("option", { value: name, selected: name === (isPair ? baseOf(now) : now) }, name)));
  const choose = (/** @type {string} */ name) => choosePart(model, name);
  return [
    ...(names.length > 1 ? [html("label", { className: "nl-slider" }, html("span", { className: "nl-name" }, "Part"), select)] : []),
    ...(isPair ? [sideSwitch(model)] : []),
  ];
}

/** Buttons of which one is pressed. @param {Model<State>} model */
function sideSwitch(model) {
  const now = model.get("part"), buttons = SIDES.map(side => html("button", {
    type: "button", "aria-pressed": String(side === sideOf(now)), "aria-label": `Sentence: ${side}`,
    tabIndex: side === sideOf(now) ? 0 : -1, onclick: () => chooseSide(model, side),
  }, `${side[0].toUpperCase()}${side.slice(1)}`));
  const node = html("div", { className: "nl-sides", role: "group", "aria-label": "Sentence" }, ...buttons);
  roving(node, buttons, 1, k => chooseSide(model, SIDES[k]));
  return node;
}

/** The same part of the model, of the first or second sentence or the difference. @param {Model<State>} model @param {string} side */
export function chooseSide(model, side) {
  choosePart(model, [baseOf(model.get("part")), side].filter(Boolean).join(" "));
}

/** Python looks for the chosen and the hidden words in the other part; without Python, only those of a comparison are found. @param {Model<State>} model @param {string} part */
function choosePart(model, part) {
  if (model.send) return assign(model, { part });
  const find = (/** @type {string} */ wanted) => model.get("data").find(({ name }) => name === wanted);
  const old = find(model.get("part")), other = find(part), token = model.get("token");
  const combine = model.get("combine") === "rollout" && !other?.rollout ? "" : model.get("combine");
  if (!old?.pairs || !other?.pairs) return assign(model, { part, combine, token: null, together: [], hidden: [], groups: {} });
  const groups = Object.fromEntries(Object.entries(model.get("groups")).map(([name, group]) => [name, carried(group, 1, old, other)]));
  assign(model, {
    part, combine, groups, token: carried(token === null ? [] : [token], 0, old, other)[0] ?? null,
    together: carried(model.get("together"), 0, old, other), hidden: carried(model.get("hidden"), 1, old, other),
  });
}

/** Where words of one part of a comparison are in another. @param {number[]} positions @param {0 | 1} side rows or columns @param {Part} old @param {Part} other */
export function carried(positions, side, old, other) {
  const pairs = old.pairs?.[side] ?? [], others = other.pairs?.[side] ?? [];
  return positions.filter(i => pairs[i] >= 0).map(i => others.indexOf(pairs[i])).filter(k => k >= 0);
}
