// Numbers as cells of colour.

import { numberOn } from "../js/colours.js";
import { html } from "../js/dom.js";
import { clamp } from "../js/numbers.js";

/** A cell that shows a number, or waits for it. @returns {{ node: HTMLElement, show: (text: string, colour: string) => void, wait: () => void }} */
export function cell() {
  const node = html("span", { className: "nl-effect" });
  return {
    node,
    show(text, colour) {
      node.textContent = text;
      node.className = `nl-effect ${numberOn(colour)}`;
      node.style.setProperty("--nl-cell", colour);
    },
    wait() {
      node.textContent = "…";
      node.className = "nl-effect";
      node.style.removeProperty("--nl-cell");
    },
  };
}

/** The colour of a signed number. @param {string[]} map 255 colours, the middle one for 0 @param {number} x @param {number} end */
export const signedColour = (map, x, end) => map[Math.round(127 * (clamp(x / (end || 1), -1, 1) + 1))];

/** The largest size among numbers. @param {number[]} numbers */
export const endOf = numbers => Math.max(...numbers.map(Math.abs));
