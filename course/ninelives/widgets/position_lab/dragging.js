// A word moved by the pointer.

import { clamp } from "../js/numbers.js";
import { glide } from "./tiles.js";

const DRAG_FROM = 4; // px; a shorter way is a click

/**
 * @param {HTMLElement} sentence
 * @param {HTMLElement[]} tiles by word
 * @param {object} actions
 * @param {() => number[]} actions.order
 * @param {(word: number) => void} actions.pick
 * @param {(position: number) => void} actions.moveTo of the picked word
 * @param {(order: number[]) => void} actions.goBack to the order before the drag
 */
export function dragging(sentence, tiles, { order, pick, moveTo, goBack }) {
  /**
   * `start`: of the pointer; `grip`: of the pointer in the tile; `at`: of the tile in the sentence, once it is dragged.
   * @typedef {[number, number]} Point
   * @type {{ tile: HTMLElement, start: Point, grip: Point, at: Point | null, from: number[] } | null}
   */
  let drag = null;

  sentence.addEventListener("pointerdown", event => {
    const tile = tiles.find(tile => event.target instanceof Node && tile.contains(event.target));
    if (!tile || event.button || drag) return;
    pick(tiles.indexOf(tile));
    const box = tile.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    drag = { tile, start: [x, y], grip: [x - box.x, y - box.y], at: null, from: order() };
    tile.setPointerCapture(event.pointerId);
  });
  sentence.addEventListener("pointermove", event => {
    if (!drag) return;
    const { tile, start, grip, at } = drag, box = sentence.getBoundingClientRect();
    if (!at && Math.hypot(event.clientX - start[0], event.clientY - start[1]) < DRAG_FROM) return;
    const x = clamp(event.clientX - grip[0] - box.x, 0, box.width - tile.offsetWidth);
    const y = clamp(event.clientY - grip[1] - box.y, 0, box.height - tile.offsetHeight);
    drag.at = [x, y];
    tile.classList.add("nl-dragged");
    moveTo(positionUnder(x + tile.offsetWidth / 2, y + tile.offsetHeight / 2, tiles.filter(other => other !== tile)));
    follow();
  });
  sentence.addEventListener("pointerup", () => drop(true));
  sentence.addEventListener("pointercancel", () => drop(false));

  /** The dragged tile stays under the pointer, wherever the order has put it. */
  function follow() {
    if (!drag?.at) return;
    const { tile, at } = drag;
    tile.style.transform = `translate(${at[0] - tile.offsetLeft}px, ${at[1] - tile.offsetTop}px)`;
  }
  function drop(/** @type {boolean} */ isKept) {
    if (!drag) return;
    const { tile, from, at } = drag;
    if (!isKept) goBack(from);
    drag = null;
    tile.classList.remove("nl-dragged");
    tile.style.transform = "";
    if (at && isKept) glide(tile, at, [tile.offsetLeft, tile.offsetTop]);
  }
  return { follow, cancel: () => drop(false), tile: () => drag?.tile ?? null };
}

/**
 * How many of the other tiles are before a point of the sentence, read line by line.
 * @param {number} x
 * @param {number} y
 * @param {Pick<HTMLElement, "offsetTop" | "offsetLeft" | "offsetWidth" | "offsetHeight">[]} others
 */
export const positionUnder = (x, y, others) => others.filter(({ offsetTop, offsetLeft, offsetWidth, offsetHeight }) =>
  offsetTop + offsetHeight < y || (offsetTop <= y && offsetLeft + offsetWidth / 2 < x)).length;
