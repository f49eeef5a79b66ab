// The buttons that draw words and take them back.

import { html } from "../js/dom.js";

/** @import { State } from "./state.js" */
/** @import { writing } from "./writing.js" */

/**
 * @param {ReturnType<typeof writing>} writer
 * @param {() => State} read
 * @param {boolean} canRead whether a new word is read, by Python or by the page
 */
export function actButtons(writer, read, canRead) {
  const hasWords = () => read().drawn.length > 0;
  const drawOne = actButton("Draw a word", writer.draw, writer.canDraw);
  const drawTen = actButton("Ten tries", writer.tryTen, writer.canDraw);
  const writeOn = actButton("Write on", writer.startOrStop, () => writer.isOn() || (writer.canDraw() && canRead));
  const stepBack = actButton("Step back", writer.stepBack, hasWords);
  const startAgain = actButton("Start again", writer.startAgain, hasWords);
  const buttons = [drawOne, drawTen, writeOn, stepBack, startAgain];
  return {
    node: html("div", { className: "nl-bar nl-acts" }, ...buttons.map(({ node }) => node)),
    drawOne: drawOne.act,
    stepBack: stepBack.act,
    show() {
      for (const { show } of buttons) show();
      writeOn.node.textContent = writer.isOn() ? "Stop" : "Write on";
    },
  };
}

/**
 * A button that keeps the focus while it is disabled.
 * @param {string} text
 * @param {() => void} action
 * @param {() => boolean} isEnabled
 */
function actButton(text, action, isEnabled) {
  const act = () => { if (isEnabled()) action(); };
  const node = html("button", { type: "button", onclick: act }, text);
  return { node, act, show: () => node.setAttribute("aria-disabled", String(!isEnabled())) };
}
