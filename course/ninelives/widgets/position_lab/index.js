// The position lab, drawn in the browser.

import { announcer } from "../js/announce.js";
import { html } from "../js/dom.js";
import { onKeys } from "../js/keys.js";
import { visible } from "../js/labels.js";
import { colourScale } from "../js/legend.js";
import { assign, connect, frame, onChange, oncePerFrame, snapshot } from "../js/lifecycle.js";
import { clamp, counted, range, two } from "../js/numbers.js";
import { dragging } from "./dragging.js";
import { bag, reading } from "./in_words.js";
import { strips } from "./strips.js";
import { sentenceOfTiles } from "./tiles.js";
import { clamped, isAtStart, moved, positionOf, vectorsOf } from "./vectors.js";

/** @import { RenderContext } from "../js/lifecycle.js" */
/** @import { State } from "./vectors.js" */

/** @type {(keyof State)[]} */
const CHANGING = ["order", "word", "positions"];

/** @param {RenderContext<State>} context */
function render({ model, el }) {
  const fixed = snapshot(model, ["words", "channels", "vectors", "word_vectors", "largest", "note", "colours"]);
  const { colours, largest, channels: C } = fixed;
  const words = fixed.words.map(visible), T = words.length, vectors = vectorsOf(fixed);
  const read = () => clamped({ ...fixed, ...snapshot(model, CHANGING), words });
  const colourOf = (/** @type {number} */ x) => colours.signed[Math.round(127 * (clamp(x / largest, -1, 1) + 1))];
  frame(el, "nl-position-lab", `Position lab: ${counted(T, "word")} of ${C} channels`, colours);

  const id = `positions-${Math.random().toString(36).slice(2)}`;
  const choices = [choice(id, "With positions", () => assign(model, { positions: true })),
    choice(id, "Without positions", () => assign(model, { positions: false }))];
  const back = html("button", { type: "button", className: "nl-plain", onclick: () => { goBack(); tiles.nodes[read().word].focus(); } },
    "Back to the start");
  const readout = html("p", { className: "nl-readout" }), bagLine = html("p", { className: "nl-bag" }), spoken = announcer();
  const help = helpLine(`${id}-help`, T === 1);
  const tiles = sentenceOfTiles(read(), vectors, colourOf, help.id), vectorStrips = strips(C, vectors, colourOf);
  const drag = dragging(tiles.node, tiles.nodes, {
    order: () => read().order,
    pick: word => { if (word !== read().word) assign(model, { word }); },
    moveTo,
    goBack: order => assign(model, { order }),
  });
  const legend = html("div", { className: "nl-legend" }, html("span", {}, `Each vector has ${C} numbers, one cell each.`),
    colourScale(two(-largest), range(17).map(k => colours.signed[Math.round(254 * k / 16)]), two(largest)));
  el.replaceChildren(
    html("div", { className: "nl-bar" },
      html("div", { className: "nl-choices", role: "radiogroup", "aria-label": "Positions" }, ...choices.map(({ node }) => node)),
      back),
    readout, tiles.node, help, bagLine, vectorStrips.node, legend, html("p", { className: "nl-note" }, fixed.note), spoken.node);

  function moveTo(/** @type {number} */ position) {
    const { order, word } = read(), to = clamp(position, 0, T - 1);
    if (to !== order.indexOf(word)) assign(model, { order: moved(order, word, to) });
  }
  function pick(/** @type {number} */ word) {
    if (word !== read().word) assign(model, { word });
    tiles.nodes[word].focus({ preventScroll: true });
  }
  function goBack() {
    if (!isAtStart(read())) assign(model, { order: range(T) });
  }
  const unlessDragged = (/** @type {(position: number) => void} */ action) => () => { if (!drag.tile()) action(positionOf(read())); };
  onKeys(tiles.node, {
    ArrowLeft: unlessDragged(position => moveTo(position - 1)), ArrowRight: unlessDragged(position => moveTo(position + 1)),
    Home: unlessDragged(() => moveTo(0)), End: unlessDragged(() => moveTo(T - 1)),
    ArrowUp: unlessDragged(position => pick(read().order[Math.max(0, position - 1)])),
    ArrowDown: unlessDragged(position => pick(read().order[Math.min(T - 1, position + 1)])),
    Escape: () => (drag.tile() ? drag.cancel() : goBack()),
  });

  function draw() {
    const state = read(), name = `“${words[state.word]}”`, said = reading(state, vectors), ofBag = bag(state, vectors);
    tiles.show(state, drag.tile());
    drag.follow();
    choices[0].input.checked = state.positions;
    choices[1].input.checked = !state.positions;
    back.disabled = isAtStart(state);
    vectorStrips.show(state);
    readout.replaceChildren(html("strong", {}, name), `${said.slice(name.length)}.`);
    bagLine.textContent = ofBag;
    bagLine.classList.toggle("nl-quiet", isAtStart(state));
    el.dataset.drawn = [state.order.join(), state.word, +state.positions].join(":");
    spoken.say(() => `${said}. ${ofBag}`);
  }
  const redraw = oncePerFrame(draw);

  draw();
  const sizeWatch = new ResizeObserver(redraw);
  sizeWatch.observe(el);
  return connect({ model, el }, onChange(CHANGING, redraw), () => sizeWatch.disconnect(), spoken.stop);
}

/** @param {string} group @param {string} label @param {() => void} chosen */
function choice(group, label, chosen) {
  const input = html("input", { type: "radio", name: group, onchange: chosen });
  return { input, node: html("label", { className: "nl-switch" }, input, label) };
}

/** @param {string} id @param {boolean} hidden */
function helpLine(id, hidden) {
  const key = (/** @type {string} */ name) => html("kbd", {}, name);
  return html("p", { className: "nl-help nl-quiet", hidden, id },
    "Drag a word, or use the keys: ", key("←"), key("→"), " move it, ", key("↑"), key("↓"), " pick another, ",
    key("Home"), key("End"), " move it to either end, ", key("Esc"), " goes back to the start.");
}

export default { render };
