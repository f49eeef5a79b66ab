// What a reader is invited to break in the network: its heads.

import { html } from "../../widgets/js/dom.js";
import { roving } from "../../widgets/js/keys.js";
import { range, two } from "../../widgets/js/numbers.js";
import { translation } from "../../widgets/network/translate.js";
import { line, MOST } from "./broken.js";
import { whereElse } from "./elsewhere.js";
import { chancesOf, joined, pronounStep } from "./view.js";

/** @import { Translation } from "../../widgets/network/translate.js" */
/** @import { Say } from "./broken.js" */
/** @import { View } from "./view.js" */

/** Heads that say nothing. @param {HTMLElement} node @param {string} example a sentence whose pronoun turns without layer 1 @param {(text: string) => void} open shows a sentence in all of the page @param {Say} say */
export function withoutHeads(node, example, open, say) {
  /** @type {Set<number>} */
  const out = new Set();
  const result = html("div", {}), reading = html("p", { className: "reading" }), grid = html("div", { className: "heads", role: "group", "aria-label": "Heads to take out" });
  const none = html("button", { type: "button", onclick: () => change([...out], false) }, "Put all back"), choices = html("div", { className: "choices" }, none);
  const other = html("button", { type: "button", onclick: () => open(example) }, `Try “${example}”`);
  node.append(grid, choices, result, reading, html("div", { className: "choices" }, other));
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
        ...range(H).map(h => html("button", { type: "button", tabIndex: l + h ? -1 : 0, onclick: () => change([l * H + h], !out.has(l * H + h)) }, String(h + 1))))));
      roving(grid, [...grid.querySelectorAll("button")], H);
      choices.prepend(...range(L).map(l => html("button", { type: "button", onclick: () => change(headsOf(l), true) }, `Take all of encoder layer ${l + 1} out`)));
    }
    grid.querySelectorAll("button").forEach((button, k) => {
      const l = Math.floor(k / H), row = l < L ? run.encoder.layers[l].weights[k % H][it] : null;
      button.setAttribute("aria-pressed", String(out.has(k)));
      button.setAttribute("aria-label", `${l < L ? "encoder" : "decoder"} layer ${l < L ? l + 1 : l - L + 1}, head ${(k % H) + 1}${out.has(k) ? ", taken out" : ""}`);
      button.style.setProperty("--w", row ? String(Math.max(...row)) : "0");
    });
    const broken = out.size ? translation(network, text, { out: [...out], most: MOST }) : run, canTurn = out.size > 0 || turns(view, headsOf(0));
    result.replaceChildren(line("", broken, run.french));
    other.hidden = canTurn;
    reading.textContent = out.size ? changeInWords(view, broken, out.size === H && range(H).every(h => out.has(H + h)))
      : `Press a head to take it out. The stronger the colour of a head of the encoder, the more “${run.english[it]}” attends to a single word there. `
        + (canTurn ? "Take all of encoder layer 1 out: the pronoun turns. Put it back, and take encoder layer 2 out." : "Without encoder layer 1 this pronoun stays as it is. In another sentence it turns:");
  }
  return { show };
}

/** Whether without these heads the pronoun turns, and no word before it. @param {View} view @param {number[]} out */
function turns({ network, text, run }, out) {
  const broken = translation(network, text, { out, most: MOST }), step = pronounStep(broken);
  return step >= 0 && isKept(run, broken, step) && broken.french[step] !== run.french[step];
}

/** Whether all words before a step are as they were. @param {Translation} run @param {Translation} broken @param {number} step */
const isKept = (run, broken, step) => step === pronounStep(run) && run.french.slice(0, step).every((word, k) => broken.french[k] === word);

/** What became of the translation, in words. @param {View} view @param {Translation} broken @param {boolean} isLayerOut whether the encoder's second layer is out, and nothing else */
function changeInWords(view, broken, isLayerOut) {
  const { run, pronoun } = view, step = pronounStep(broken), word = run.french[pronoun], same = joined(broken.french) === joined(run.french);
  if (pronounStep(run) < 0) return same ? "The French is the same." : "The French changes.";
  if (step < 0) return `The French has no pronoun any more.`;
  if (!isKept(run, broken, step)) return "The words before the pronoun change too, so these heads carry more than what “it” stands for. Whether the pronoun is the same proves nothing then.";
  if (broken.french[step] !== word) return `The pronoun turns, and no word before it: “${broken.french[step]}” instead of “${word}”.${view.meaning ? " What “it” stands for depends on these heads." : ""}`;
  const chance = (/** @type {Translation} */ of, /** @type {number} */ at) => Math.max(...chancesOf({ ...view, run: of }, at));
  const before = chance(run, pronoun), now = chance(broken, step), stays = `${same ? "The French is the same. " : ""}It still says “${word}”, with a probability of ${two(now)}; it was ${two(before)}.`;
  return isLayerOut && before - now < 0.1 ? `${stays}${whereElse(view)}` : stays;
}
