// The histories of the trainings, and which of their entries are shown.

import { range } from "../js/numbers.js";

/** @typedef {{ step: number, loss: number | null, rate?: number | null, samples?: [string, string, string][] } & Record<string, unknown>} Entry */

/**
 * The synced traits of TrainingMonitor.
 * @typedef {object} State
 * @property {string} name
 * @property {number} max_iters
 * @property {Entry[]} entries
 * @property {Record<string, Entry[]>} beside by name
 * @property {Record<string, number>} levels heights in the plot of the measure, by name
 * @property {string[]} measures
 * @property {number} step
 * @property {number} seconds
 * @property {"waiting" | "running" | "stopped" | "finished"} state
 * @property {boolean} can_stop
 * @property {boolean} stop_asked
 * @property {{ lines: string[], accent: string, link: string, "link-dark": string }} colours
 * @property {string} measure
 * @property {string[]} hidden
 * @property {number | null} cursor the step that is read out; null: the latest
 */

/** All trainings, this one first. @param {Pick<State, "name" | "beside">} state */
export const namesOf = ({ name, beside }) => [name, ...Object.keys(beside)];

/** @param {State} state */
export const shownNames = state => namesOf(state).filter(name => !state.hidden.includes(name));

/** @param {State} state @param {string} name */
export const historyOf = (state, name) => (name === state.name ? state.entries : state.beside[name]);

/** The entry that is read out. @param {State} state @param {string} name */
export const entryOf = (state, name) => historyOf(state, name).findLast(entry => entry.step <= stepRead(state));

// Without a cursor, the others are read out at the step of this training: later steps would be no comparison.
/** @param {State} state */
const stepRead = ({ cursor, entries }) => cursor ?? entries.at(-1)?.step ?? Number.POSITIVE_INFINITY;

/** The steps of all entries shown, in order. @param {State} state */
export const stepsOf = state =>
  [...new Set(shownNames(state).flatMap(name => historyOf(state, name).map(({ step }) => step)))].sort((a, b) => a - b);

/** The step at the right end of the curves. @param {State} state */
export const lastStep = state => Math.max(state.max_iters, ...shownNames(state).map(name => historyOf(state, name).at(-1)?.step ?? 0));

/** The step that is nearest to another. @param {number[]} steps at least one @param {number} wanted */
export const nearest = (steps, wanted) => steps.reduce((best, step) => (Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best));

/** The points of a curve, [step, value]. @param {State} state @param {string} name @param {string} what @returns {[number, number][]} */
export const pointsOf = (state, name, what) =>
  historyOf(state, name).flatMap(({ step, [what]: value }) => (typeof value === "number" ? [[step, value]] : []));

/**
 * How many of some curves run where this one does, as far as both go: drawn over them, it would hide them.
 * @param {[number, number][]} points @param {[number, number][][]} others
 */
export function curvesBelow(points, others) {
  const same = (/** @type {[number, number][]} */ few, /** @type {[number, number][]} */ many) => {
    const valueAt = new Map(many);
    return few.length > 0 && few.every(([step, value]) => valueAt.get(step) === value);
  };
  return others.filter(other => (other.length < points.length ? same(other, points) : same(points, other))).length;
}

/** About four round numbers from 0 to `top`. @param {number} top */
export function ticks(top) {
  const rough = top / 4, power = 10 ** Math.floor(Math.log10(rough));
  const unit = ([1, 2, 5].find(m => m * power >= rough) ?? 10) * power;
  return range(Math.floor(top / unit + 1e-9) + 1).map(k => k * unit);
}
