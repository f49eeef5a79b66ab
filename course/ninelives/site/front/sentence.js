// The English sentence: words that can be changed, and arcs from "it" to what it attends to.

import { html, svg } from "../../widgets/js/dom.js";
import { two } from "../../widgets/js/numbers.js";
import { piecesOf, reasonsFor } from "./grammar.js";

/** @import { Choice, Lexicon, Part, Piece } from "./grammar.js" */
/** @import { View } from "./view.js" */

const NAMES = { first: "the first animal", second: "the second animal", verb: "what happened", reason: "why", dish: "the dish", voice: "the voice" };
const LEAST = 0.015; // a weight below it has no arc

/** @param {HTMLElement} node @param {(part: Part, value: string) => void} choose */
export function sentence(node, choose) {
  const arcs = svg("svg", { class: "arcs", "aria-hidden": "true" }), words = html("span", { className: "words" });
  node.replaceChildren(arcs, words);
  let shape = "";
  /** @type {View | null} */
  let shown = null;

  /** @param {View} view */
  function show(view) {
    shown = view;
    const { choice, lexicon, run, it, layer, head } = view;
    const pieces = choice ? piecesOf(lexicon, choice) : run.english.map(word => /** @type {Piece} */ ({ word }));
    const now = pieces.map(({ word, part }) => part ?? word).join(" ");
    if (now !== shape) rebuild(pieces);
    words.classList.toggle("long", view.text.length > 50);
    shape = now;
    const row = run.encoder.layers[layer].weights[head][it];
    [...words.children].forEach((token, k) => {
      const weight = row[k], pick = token.querySelector("select");
      if (pick && choice) fill(pick, lexicon, choice);
      token.className = `token${pick ? " pick" : ""}${k === it ? " it" : ""}`;
      token.setAttribute("style", `--w: ${weight}`);
      /** @type {HTMLElement} */ (token.querySelector(".shown")).textContent = pieces[k].word;
      /** @type {HTMLElement} */ (token.querySelector("b")).textContent = weight < 0.005 ? "" : two(weight);
    });
    draw();
  }

  /** @param {Piece[]} pieces */
  function rebuild(pieces) {
    const focused = document.activeElement instanceof HTMLSelectElement ? document.activeElement.dataset.part : undefined;
    words.replaceChildren(...pieces.map(({ word, part }) => {
      const token = html("span", {}, html("span", { className: "shown" }, word), html("b", { "aria-hidden": "true" }));
      if (!part) return token;
      const pick = html("select", { "aria-label": NAMES[part] });
      pick.dataset.part = part;
      pick.onchange = () => choose(part, pick.value);
      token.append(pick);
      /** @type {HTMLElement} */ (token.firstChild).setAttribute("aria-hidden", "true");
      return token;
    }));
    words.querySelectorAll("select").forEach(pick => {
      if (pick.dataset.part === focused) pick.focus();
    });
  }

  function draw() {
    if (!shown) return;
    const { run, it, layer, head } = shown, frame = node.getBoundingClientRect();
    const boxes = [...words.children].map(token => /** @type {HTMLElement} */ (token.querySelector(".shown")).getBoundingClientRect());
    const from = boxes[it];
    arcs.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    arcs.replaceChildren(...[...run.encoder.layers[layer].weights[head][it]].flatMap((weight, k) => {
      if (weight < LEAST || k === it) return [];
      const x = from.left + from.width / 2 - frame.left, y = from.top - frame.top, to = boxes[k];
      const x2 = to.left + to.width / 2 - frame.left, y2 = to.top - frame.top;
      const lift = Math.min(y, y2) - Math.min(84, 22 + 0.17 * Math.abs(x - x2));
      return [svg("path", { d: `M${x} ${y} C${x} ${lift} ${x2} ${lift} ${x2} ${y2}`, style: `stroke-width: ${1 + 6 * weight}; opacity: ${(y === y2 ? 1 : 0.4) * (0.2 + 0.8 * weight)}` })]; // one that crosses a line of words is paler
    }));
  }
  new ResizeObserver(draw).observe(node);
  return { show };
}

/** The options of a word. @param {HTMLSelectElement} pick @param {Lexicon} lexicon @param {Choice} choice */
function fill(pick, lexicon, choice) {
  const part = /** @type {Part} */ (pick.dataset.part), { animals, verbs, wishes, dishes } = lexicon;
  const option = (/** @type {string} */ value) => html("option", { value }, value);
  const names = Object.keys;
  /** @type {Record<Part, () => Element[]>} */
  const options = {
    first: () => names(animals).map(option),
    second: () => names(animals).map(option),
    verb: () => [
      html("optgroup", { label: "one animal did not want to …" }, ...names(wishes).map(option)),
      html("optgroup", { label: choice.voice === "passive" ? "one animal was … by another" : "one animal … another" }, ...names(verbs).map(option)),
    ],
    dish: () => names(dishes).map(option),
    reason: () => reasonsFor(lexicon, choice).map(option),
    voice: () => [],
  };
  const wanted = options[part](), key = wanted.map(node => node.outerHTML).join("");
  if (pick.dataset.key !== key) pick.replaceChildren(...wanted);
  pick.dataset.key = key;
  pick.value = choice[part];
}
