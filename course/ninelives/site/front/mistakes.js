// What a reader is invited to break in the network: heads, and the mask.

import { html } from "../../widgets/js/dom.js";
import { argmax, range, two } from "../../widgets/js/numbers.js";
import { translation } from "../../widgets/network/translate.js";
import { line, MOST, toggle } from "./broken.js";
import { isBetweenAnimals } from "./grammar.js";
import { chancesOf, joined, PRONOUNS, pronounStep } from "./view.js";

/** @import { Translation } from "../../widgets/network/translate.js" */
/** @import { Say } from "./broken.js" */
/** @import { View } from "./view.js" */

/** Heads that say nothing. @param {HTMLElement} node @param {Say} say */
export function withoutHeads(node, say) {
  /** @type {Set<number>} */
  const out = new Set();
  const result = html("div", {}), reading = html("p", { className: "reading" }), grid = html("div", { className: "heads" });
  const none = html("button", { type: "button", onclick: () => change([...out], false) }, "Put all back"), choices = html("div", { className: "choices" }, none);
  node.append(grid, choices, result, reading);
  let /** @type {View} */ view;
  const perLayer = () => view.run.encoder.layers[0].weights.length;
  const headsOf = (/** @type {number} */ l) => range(perLayer()).map(h => l * perLayer() + h);
  /** @param {number[]} heads @param {boolean} gone */
  function change(heads, gone) {
    for (const k of heads) gone ? out.add(k) : out.delete(k);
    show(view);
    say(reading.textContent);
  }
  /** @param {View} now */
  function show(now) {
    view = now;
    const { network, run, text, it } = view, L = run.encoder.layers.length, H = perLayer();
    if (!grid.children.length) {
      grid.append(...range(L + run.decoder.layers.length).map(l => html("div", { className: "layer" }, html("span", {}, l < L ? `encoder ${l + 1}` : `decoder ${l - L + 1}`),
        ...range(H).map(h => html("button", { type: "button", onclick: () => change([l * H + h], !out.has(l * H + h)) }, String(h + 1))))));
      choices.prepend(...range(L).map(l => html("button", { type: "button", onclick: () => change(headsOf(l), true) }, `Take all of layer ${l + 1} out`)));
    }
    grid.querySelectorAll("button").forEach((button, k) => {
      const l = Math.floor(k / H), row = l < L ? run.encoder.layers[l].weights[k % H][it] : null;
      button.setAttribute("aria-pressed", String(out.has(k)));
      button.setAttribute("aria-label", `${l < L ? "encoder" : "decoder"} layer ${l < L ? l + 1 : l - L + 1}, head ${(k % H) + 1}${out.has(k) ? ", taken out" : ""}`);
      button.style.setProperty("--w", row ? String(Math.max(...row)) : "0");
    });
    const broken = out.size ? translation(network, text, { out: [...out], most: MOST }) : run, same = joined(broken.french) === joined(run.french);
    result.replaceChildren(line("", broken, run.french));
    reading.textContent = !out.size ? `Press a head to take it out. The darker a head of the encoder is, the more “${run.english[it]}” attends to a single word there. ${hint(view, headsOf)}`
      : `${same ? "The translation is the same." : "The translation changes."} ${ofThePronoun(view, broken, out.size === H && range(H).every(h => out.has(H + h)))}`;
  }
  return { show };
}

/** Which layers the pronoun depends on. @param {View} view @param {(layer: number) => number[]} headsOf */
function hint({ network, lexicon, choice, text, run }, headsOf) {
  const pronoun = (/** @type {Translation} */ { french }) => french.find(word => PRONOUNS.includes(word)), now = pronoun(run);
  const turning = [[0], [1, 2]].find(layers => ![now, undefined].includes(pronoun(translation(network, text, { out: layers.flatMap(headsOf), most: MOST }))));
  return !now ? "" : turning ? `Take all of layer${turning[1] ? "s 2 and 3" : " 1"} out: the pronoun turns.`
    : `Neither without layer 1 nor without layers 2 and 3 does this pronoun turn.${choice && !isBetweenAnimals(lexicon, choice) ? " Try a sentence about two animals." : ""}`;
}

/** What became of the pronoun, in words. @param {View} view @param {Translation} broken @param {boolean} isLayerOut whether the encoder's second layer is out, and nothing else */
function ofThePronoun(view, broken, isLayerOut) {
  const { run, it, pronoun } = view, step = pronounStep(broken), word = run.french[pronoun];
  if (pronounStep(run) < 0) return "";
  if (broken.french[step] !== word) return step < 0 ? `It no longer says “${word}”.` : `It says “${broken.french[step]}” instead of “${word}”.`;
  const chance = (/** @type {Translation} */ of, /** @type {number} */ at) => Math.max(...chancesOf({ ...view, run: of }, at));
  const before = chance(run, pronoun), now = chance(broken, step), says = `It still says “${word}”, with a probability of ${two(now)}; it was ${two(before)}.`;
  if (!isLayerOut) return says;
  const rows = run.encoder.layers[1].weights.map(head => head[it]), row = rows[argmax(rows.map(weights => Math.max(...weights)))];
  const where = `“${run.english[it]}” attended to “${run.english[argmax(row)]}”, up to ${two(row[argmax(row)])} in one head`;
  return before - now < 0.1 ? `${says} Yet it was in this layer that ${where}: a picture of attention shows where a head looks, not whether the answer depends on it.`
    : `${says} It was in this layer that ${where}: here the answer depends on it, though not on it alone.`;
}

/** A decoder that may look at later words. @param {HTMLElement} node @param {Say} say */
export function openMask(node, say) {
  const result = html("div", {}), table = html("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "attention among the French words" });
  const reading = html("p", { className: "reading" });
  /** @type {View} */
  let view;
  const { box, node: label } = toggle("Open the decoder's mask", () => {
    show(view);
    say(reading.textContent);
  });
  node.append(label, result, table, reading);
  /** @param {View} now */
  function show(now) {
    view = now;
    const { network, text } = view, run = box.checked ? translation(network, text, { causal: false, most: MOST }) : view.run;
    const P = run.english.length, after = run.french.slice(0, -1), row = Math.max(0, pronounStep(run) - 1);
    result.replaceChildren(line("", run, view.run.french));
    table.hidden = !after.length;
    if (!after.length) {
      reading.textContent = "The network writes its end at once: there is no French word that could attend to another.";
      return;
    }
    const heads = run.decoder.layers.flatMap(({ weights }, l) => weights.map((rows, h) => ({ rows: rows.slice(P), l, h })));
    const later = (/** @type {Float64Array[]} */ rows) => [...rows[row]].slice(P + row + 1).reduce((sum, x) => sum + x, 0);
    const { rows, l, h } = heads.reduce((best, next) => (later(next.rows) > later(best.rows) ? next : best));
    table.replaceChildren(html("table", { className: "mask" }, html("caption", {}, `Head ${h + 1} of the decoder's layer ${l + 1}, French words only`), html("tbody", {}, ...after.map((word, r) =>
      html("tr", { className: r === row ? "it" : "" }, html("th", { scope: "row", lang: "fr" }, word), ...after.map((_, c) => {
        const weight = rows[r][P + c];
        return weight === undefined ? html("td", { className: "masked" }, html("span", { className: "unseen" }, "masked")) : html("td", { style: `--w: ${weight}` }, weight < 0.095 ? "" : two(weight).replace(/^0|\.00$/, ""));
      }))))));
    const most = argmax([...rows[row]].map((weight, c) => (c > P + row ? weight : -1))), same = joined(run.french) === joined(view.run.french);
    reading.textContent = !box.checked ? "A word attends to itself and the words before it. The upper triangle is masked."
      : `The French is ${same ? "the same, since no later word is there yet when a word is written" : "another now"}. `
        + (row === after.length - 1 ? "It is too short to copy from." : `But read the finished sentence again: “${after[row]}”, from which “${after[row + 1]}” is to be predicted, gives later words ${two(later(rows))} of its attention in this head, ${two(rows[row][most])} of it to “${after[most - P]}”. In training the answer would stand there to be copied.`);
  }
  return { show };
}
