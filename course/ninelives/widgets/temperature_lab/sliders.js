// The sliders of temperature, top-k and top-p.

import { assign } from "../js/lifecycle.js";
import { two } from "../js/numbers.js";
import { slider } from "../js/slider.js";
import { settingsOf } from "./state.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { State } from "./state.js" */

// Close together where each word counts.
const STEPS = [1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000];

/** The values of top-k that the slider offers for V words; the last is V. @param {number} V */
export const topKSteps = V => [...STEPS.filter(k => k < V), V];

/**
 * @param {Model<State>} model
 * @param {() => State} read
 */
export function settingSliders(model, read) {
  const V = read().vocabulary.length, steps = topKSteps(V), settings = () => settingsOf(read());
  return [
    slider({
      name: "Temperature", limits: { min: 0, max: 3, step: 0.05 },
      read: () => settings().temperature,
      write: temperature => assign(model, { temperature }),
      say: () => two(settings().temperature) + (settings().temperature === 0 ? " greedy" : ""),
    }),
    slider({
      name: "Top-k", limits: { min: 0, max: steps.length - 1, step: 1 },
      read: () => steps.findIndex(k => k >= Math.min(settings().topK, V)),
      write: index => assign(model, { top_k: steps[index] === V ? null : steps[index] }),
      say: () => (settings().topK < V ? String(settings().topK) : "all words"),
    }),
    slider({
      name: "Top-p", limits: { min: 0.05, max: 1, step: 0.05 },
      read: () => settings().topP,
      write: share => assign(model, { top_p: share === 1 ? null : share }),
      say: () => (settings().topP < 1 ? two(settings().topP) : "all words"),
    }),
  ];
}
