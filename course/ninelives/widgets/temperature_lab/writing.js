// Words are drawn: one, ten tries that are not kept, or one after another until the text ends or is stopped.

import { assign } from "../js/lifecycle.js";
import { range } from "../js/numbers.js";
import { wordAt } from "../js/sampling.js";
import { chancesOf, failure, hasEnded } from "./scores.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { State } from "./state.js" */
/** @import { Scores } from "./scores.js" */

/**
 * What is shown at present.
 * @typedef {object} Present
 * @property {State} state
 * @property {Scores} scores
 * @property {boolean} isWaiting for the scores of this text
 */

const MOST_WORDS = 60; // of one "Write on"
const PAUSE = 180; // ms between two words of it

/**
 * @param {Model<State>} model
 * @param {() => Present} present
 * @param {() => void} redraw
 */
export function writing(model, present, redraw) {
  let wordsLeft = 0, pause = 0;
  /** @type {Map<number, number>} */
  let tries = new Map();
  let triedAt = "";

  function draw() {
    const { state, scores } = present(), { drawn, chances } = state, now = chancesOf(state, scores);
    const word = wordAt(now, scores.order, Math.random());
    const before = drawn.map((_, k) => chances[k] ?? 0); // 0 for a word that Python has set
    assign(model, { drawn: [...drawn, word], chances: [...before, now[word]] });
  }
  function goOn() {
    clearTimeout(pause);
    if (!wordsLeft) return;
    const { state, isWaiting } = present();
    if (failure(state) || hasEnded(state)) wordsLeft = 0;
    else if (!isWaiting) {
      wordsLeft -= 1;
      draw();
    }
    redraw();
  }
  function cut(/** @type {number} */ length) {
    wordsLeft = 0;
    const { drawn, chances } = present().state;
    assign(model, { drawn: drawn.slice(0, length), chances: chances.slice(0, length) });
  }

  return {
    isOn: () => wordsLeft > 0,
    canDraw() {
      const { state, isWaiting } = present();
      return !isWaiting && !failure(state) && !hasEnded(state) && !wordsLeft;
    },
    draw,
    tryTen() {
      const { state, scores } = present(), chances = chancesOf(state, scores);
      for (const _ of range(10)) {
        const word = wordAt(chances, scores.order, Math.random());
        tries.set(word, (tries.get(word) ?? 0) + 1);
      }
      redraw();
    },
    /** How often each word was drawn in the tries, which are forgotten when the text or a setting changes. */
    triesAt(/** @type {string} */ settings) {
      if (settings !== triedAt) tries = new Map();
      triedAt = settings;
      return tries;
    },
    startOrStop() {
      wordsLeft = wordsLeft ? 0 : MOST_WORDS;
      if (wordsLeft) goOn();
      else redraw();
    },
    stepBack: () => cut(present().state.drawn.length - 1),
    startAgain: () => cut(0),
    /** New scores have arrived: write the next word after a pause. */
    arrived() {
      clearTimeout(pause);
      if (wordsLeft) pause = window.setTimeout(goOn, PAUSE);
    },
    stop: () => clearTimeout(pause),
  };
}
