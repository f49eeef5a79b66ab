import { html } from "./dom.js";

/** An entry of a legend. @param {{ style?: string, className?: string }} sign how its sign looks @param {string} text */
export const legendKey = (sign, text) => html("span", { className: "nl-key" }, html("i", sign), text);

/** A scale of colours between its ends. @param {string} low @param {string[]} colours @param {string} high */
export const colourScale = (low, colours, high) =>
  html("span", { className: "nl-scale" }, low, html("i", { style: `background: linear-gradient(to right, ${colours})` }), high);
