// The sentence as tiles that can be moved.

import { paintStrip } from "../js/colours.js";
import { html } from "../js/dom.js";
import { newPositions, vectorGiven } from "./vectors.js";

/** @import { State, Vectors } from "./vectors.js" */

const DURATION = 160; // ms, of a move

/**
 * @param {State} state
 * @param {Vectors} vectors
 * @param {(x: number) => string} colourOf
 * @param {string} helpId
 */
export function sentenceOfTiles({ words }, vectors, colourOf, helpId) {
  const tiles = words.map((name, word) => {
    const strip = html("canvas", { "aria-hidden": "true" }), below = html("span", { className: "nl-tile-position" });
    const node = html("div", { className: "nl-tile", role: "option", "data-word": word },
      html("span", { className: "nl-tile-word", "data-word": name }, name), strip, below);
    return { node, strip, below };
  });
  const nodes = tiles.map(({ node }) => node);
  const node = html("div", {
    className: "nl-sentence", role: "listbox", "aria-orientation": "horizontal",
    "aria-label": "The sentence", "aria-describedby": helpId,
  }, ...nodes);
  let drawnOrder = "";

  // The picked tile stays where it is in the document and the others are put around it: a node that is moved would lose
  // the focus and the pointer.
  function arrange(/** @type {State} */ { order, word }, /** @type {HTMLElement | null} */ dragged) {
    if (drawnOrder === order.join()) return;
    const picked = nodes[word], at = order.indexOf(word), before = nodes.map(placeOf);
    const hasFocus = node.contains(document.activeElement);
    for (const animation of nodes.flatMap(tile => tile.getAnimations())) animation.cancel();
    for (const other of order.slice(0, at)) node.insertBefore(nodes[other], picked);
    node.append(...order.slice(at + 1).map(other => nodes[other]));
    if (hasFocus) picked.focus({ preventScroll: true });
    if (drawnOrder) nodes.forEach((tile, k) => { if (tile !== dragged) glide(tile, before[k], placeOf(tile)); });
    drawnOrder = order.join();
  }

  return {
    node, nodes,
    /** @param {State} state @param {HTMLElement | null} dragged the tile that follows the pointer */
    show(state, dragged) {
      arrange(state, dragged);
      const fresh = newPositions(state, vectors);
      state.order.forEach((word, position) => {
        const tile = tiles[word], isNew = fresh.includes(position), isPicked = word === state.word;
        tile.node.setAttribute("aria-selected", String(isPicked));
        tile.node.setAttribute("aria-label", `${words[word]}, position ${position}${isNew ? ", a new vector" : ""}`);
        tile.node.tabIndex = isPicked ? 0 : -1;
        tile.node.classList.toggle("nl-new", isNew);
        tile.below.textContent = isNew ? `${position} · new` : String(position);
        paintStrip(tile.strip, Array.from(vectorGiven(state, vectors, word, position), colourOf));
      });
    },
  };
}

/** @param {HTMLElement} tile @returns {[number, number]} */
function placeOf(tile) {
  const { x, y } = tile.getBoundingClientRect();
  return [x, y];
}

/** Show a tile on its way. @param {HTMLElement} tile @param {[number, number]} from @param {[number, number]} to */
export function glide(tile, from, to) {
  const x = from[0] - to[0], y = from[1] - to[1];
  if (matchMedia("(prefers-reduced-motion: reduce)").matches || Math.hypot(x, y) < 1) return;
  tile.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration: DURATION, easing: "ease-out" });
}
