// What the monitor says.

import { entryOf, shownNames } from "./history.js";

/** @import { State } from "./history.js" */

/** 1,500. @param {number} n */
export const withCommas = n => n.toLocaleString("en");

/** Three digits, or a power of ten below 0.001. @param {number} x */
export function short(x) {
  if (x === 0) return "0";
  return Math.abs(x) < 0.001 ? x.toExponential(1).replace("e-", "e−") : String(+x.toPrecision(3));
}

/** "40 s", "3 min 5 s", "2 h 10 min". @param {number} seconds */
export function duration(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
}

/** How far the training is. @param {State} state */
export function progress({ state, step, max_iters, seconds, can_stop, stop_asked }) {
  const at = `step ${withCommas(step)} of ${withCommas(max_iters)}`;
  if (state === "waiting") return `${can_stop ? "making ready" : "not begun"}, ${withCommas(max_iters)} steps`;
  if (state === "stopped") return `stopped at ${at}. Run the cell again to go on.`;
  if (state === "finished") return `finished, ${withCommas(max_iters)} steps in ${duration(seconds)}`;
  if (stop_asked) return `${at}, stopping …`;
  const left = step ? `, ${duration(seconds / step * (max_iters - step))} left` : "";
  return `${at} · ${duration(seconds)} so far${left}`;
}

/** The numbers of all trainings shown at the step that is read out. @param {State} state */
export function numbers(state) {
  const now = entryOf(state, state.name)?.step;
  const parts = shownNames(state).flatMap(name => {
    const entry = entryOf(state, name);
    if (!entry) return [];
    const said = ["loss", state.measure, ...(name === state.name ? ["rate"] : [])].flatMap(what => {
      const value = entry[what];
      return typeof value === "number" ? [`${what} ${short(value)}`] : [];
    });
    return [`${name}${entry.step === now ? "" : `, step ${withCommas(entry.step)}`}: ${said.join(", ")}`];
  });
  if (!parts.length) return "Nothing yet: the first numbers come with the first evaluation.";
  return `${now === undefined ? "" : `Step ${withCommas(now)}. `}${parts.join("; ")}.`;
}
