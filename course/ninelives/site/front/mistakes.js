// What a reader is invited to break: positions, heads, the mask.

import { html } from "../../widgets/js/dom.js";
import { argmax, range, two } from "../../widgets/js/numbers.js";
import { translation } from "../../widgets/network/translate.js";
import { frenchWords } from "./french.js";
import { chancesOf, joined, pronounStep } from "./view.js";

/** @import { Translation } from "../../widgets/network/translate.js" */
/** @import { View } from "./view.js" */

const MOST = 16; // words: a broken network may not come to an end

/** @param {string} label @param {(on: boolean) => void} onchange */
function toggle(label, onchange) {
  const box = html("input", { type: "checkbox", onchange: () => onchange(box.checked) });
  return { box, node: html("label", { className: "toggle" }, box, ` ${label}`) };
}

/** @param {string} english @param {Translation} run @param {string[]} [before] */
const line = (english, run, before) => html("p", { className: "says" }, html("span", { className: "english" }, english), html("span", { lang: "fr" }, ...frenchWords(run, before)));

/** Without positions, a sentence is a bag of words. @param {HTMLElement} node */
export function withoutPositions(node) {
  const both = html("div", {}), reading = html("p", { className: "reading", role: "status" });
  /** @type {View} */
  let view;
  const { box, node: label } = toggle("Take the positions away", () => show(view));
  node.append(label, both, reading);
  /** @param {View} now */
  function show(now) {
    view = now;
    const { network, run, text } = view, options = { positions: !box.checked, most: MOST };
    const other = swapped(run.english), runs = [text, other].map(sentence => translation(network, sentence, options));
    both.replaceChildren(...[text, other].map((sentence, k) => line(sentence, runs[k])));
    const same = joined(runs[0].french) === joined(runs[1].french);
    reading.textContent = box.checked
      ? `Two sentences of the same words, and the French is ${same ? "the same for both: who did what to whom is gone" : "still different"}.`
      : `With positions the two sentences have ${same ? "the same French" : "different French"}, although their words are the same.`;
  }
  return { show };
}

/** The sentence with its second word and the one before "because" swapped. The last word stays: its row predicts the first French word. @param {string[]} words */
function swapped(words) {
  const because = words.indexOf("because"), a = Math.min(1, words.length - 1), b = Math.max(a, because < 0 ? words.length - 2 : because - 1);
  return words.map((word, k) => (k === a ? words[b] : k === b ? words[a] : word)).join(" ");
}

/** Heads that say nothing. @param {HTMLElement} node */
export function withoutHeads(node) {
  /** @type {Set<number>} */
  const out = new Set();
  const result = html("div", {}), reading = html("p", { className: "reading", role: "status" }), grid = html("div", { className: "heads" });
  const all = html("button", { type: "button", onclick: () => change(range(4).map(k => 4 + k), true) }, "Take all of layer 2 out");
  const none = html("button", { type: "button", onclick: () => change([...out], false) }, "Put all back");
  node.append(grid, html("div", { className: "choices" }, all, none), result, reading);
  /** @type {View} */
  let view;
  /** @param {number[]} heads @param {boolean} gone */
  function change(heads, gone) {
    for (const k of heads) gone ? out.add(k) : out.delete(k);
    show(view);
  }
  /** @param {View} now */
  function show(now) {
    view = now;
    const { network, run, text, it, pronoun } = view, L = run.encoder.layers.length, H = run.encoder.layers[0].weights.length;
    if (!grid.children.length) {
      grid.append(...range(L + run.decoder.layers.length).map(l => html("div", { className: "layer" }, html("span", {}, l < L ? `encoder ${l + 1}` : `decoder ${l - L + 1}`),
        ...range(H).map(h => html("button", { type: "button", onclick: () => change([l * H + h], !out.has(l * H + h)) }, String(h + 1))))));
    }
    grid.querySelectorAll("button").forEach((button, k) => {
      const l = Math.floor(k / H), row = l < L ? run.encoder.layers[l].weights[k % H][it] : null;
      button.setAttribute("aria-pressed", String(out.has(k)));
      button.setAttribute("aria-label", `${l < L ? "encoder" : "decoder"} layer ${l < L ? l + 1 : l - L + 1}, head ${(k % H) + 1}${out.has(k) ? ", taken out" : ""}`);
      button.style.setProperty("--w", row ? String(Math.max(...row)) : "0");
    });
    const broken = translation(network, text, { out: [...out], most: MOST }), same = joined(broken.french) === joined(run.french);
    result.replaceChildren(line("", broken, run.french));
    const step = pronounStep(broken), word = run.french[pronoun], stays = step >= 0 && broken.french[step] === word;
    const chance = step < 0 ? "" : ` “${broken.french[step]}” has a probability of ${two(Math.max(...chancesOf({ ...view, run: broken }, step)))}.`;
    const pointed = range(H).filter(h => out.has(H + h)), noun = run.english[argmax(run.encoder.layers[1].weights[0][it])];
    reading.textContent = !out.size ? "Press a head to take it out. The darker a head of the encoder is, the more “it” attends to a single word there."
      : `${same ? "The translation is the same." : "The translation changes."}${pronounStep(run) < 0 ? "" : stays ? ` It still says “${word}”.` : ` It no longer says “${word}”.`}${chance}${
        pointed.length === H && stays ? ` Yet it was in these four heads that “it” attended to “${noun}”: a picture of attention shows where a head looks, and not what the answer depends on.` : ""}`;
  }
  return { show };
}

/** A decoder that may look at later words. @param {HTMLElement} node */
export function openMask(node) {
  const result = html("div", {}), table = html("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "attention among the French words" });
  const reading = html("p", { className: "reading", role: "status" });
  /** @type {View} */
  let view;
  const { box, node: label } = toggle("Open the decoder's mask", () => show(view));
  node.append(label, result, table, reading);
  /** @param {View} now */
  function show(now) {
    view = now;
    const { network, text } = view, run = box.checked ? translation(network, text, { causal: false, most: MOST }) : view.run;
    const P = run.english.length, after = run.french.slice(0, -1), row = Math.max(0, pronounStep(run) - 1);
    const heads = run.decoder.layers.flatMap(({ weights }, l) => weights.map((rows, h) => ({ rows: rows.slice(P), l, h })));
    const later = (/** @type {Float64Array[]} */ rows) => [...rows[row]].slice(P + row + 1).reduce((sum, x) => sum + x, 0);
    const { rows, l, h } = heads.reduce((best, next) => (later(next.rows) > later(best.rows) ? next : best));
    result.replaceChildren(line("", run, view.run.french));
    table.replaceChildren(html("table", { className: "mask" }, html("caption", {}, `Head ${h + 1} of the decoder's layer ${l + 1}, French words only`), html("tbody", {}, ...after.map((word, r) =>
      html("tr", { className: r === row ? "it" : "" }, html("th", { scope: "row", lang: "fr" }, word), ...after.map((_, c) => {
        const weight = rows[r][P + c];
        return weight === undefined ? html("td", { className: "masked" }, html("span", { className: "unseen" }, "masked")) : html("td", { style: `--w: ${weight}` }, weight < 0.095 ? "" : two(weight).slice(1));
      }))))));
    const most = argmax([...rows[row]].map((weight, c) => (c > P + row ? weight : -1))), same = joined(run.french) === joined(view.run.french);
    reading.textContent = !box.checked ? "A word attends to the words before it. The upper triangle is masked."
      : `The French is ${same ? "the same, since no later word is there yet when a word is written" : "another now"}. But read the finished sentence again: “${after[row]}”, from which “${after[row + 1]}” is to be predicted, `
        + `gives later words ${two(later(rows))} of its attention in this head, ${two(rows[row][most])} of it to “${after[most - P]}”. In training the answer would stand there to be copied.`;
  }
  return { show };
}
