// The curves of one number by step, and the cursor in them.

import { html, svg } from "../js/dom.js";
import { onKeys } from "../js/keys.js";
import { clamp } from "../js/numbers.js";
import { curvesBelow, lastStep, namesOf, nearest, pointsOf, shownNames, stepsOf, ticks } from "./history.js";
import { short, withCommas } from "./in_words.js";
import { marker } from "./marker.js";

/** @import { State } from "./history.js" */
/** @typedef {"loss" | "measure" | "rate"} Kind */

const W = 226; // px, of the plot
const H = 170;
const LEFT = 46; // px, beside the plot
const TOP = 22;
const BOTTOM = 42;
const DASH = 8; // px, of a curve that lies on another

/** @param {Kind} kind @param {() => State} read @param {(step: number | null) => void} setCursor */
export function curves(kind, read, setCursor) {
  const drawing = svg("svg", { width: LEFT + W + 12, height: TOP + H + BOTTOM, "aria-hidden": "true" });
  const node = html("div", {
    className: `nl-panel-plot nl-plot-${kind}`, tabIndex: kind === "loss" ? 0 : -1, role: "application", "aria-roledescription": "curves",
  }, drawing);
  const pick = (/** @type {PointerEvent} */ event) => {
    const x = event.clientX - drawing.getBoundingClientRect().left - LEFT, steps = stepsOf(read());
    if (steps.length) setCursor(nearest(steps, x / W * lastStep(read())));
  };
  node.addEventListener("pointerdown", event => { pick(event); node.focus(); });
  node.addEventListener("pointermove", event => { if (event.buttons) pick(event); });
  const move = (/** @type {(at: number, last: number) => number} */ to) => () => {
    const steps = stepsOf(read()), last = steps.length - 1, here = read().cursor ?? steps[last];
    if (steps.length) setCursor(steps[clamp(to(steps.findLastIndex(step => step <= here), last), 0, last)]);
  };
  onKeys(node, {
    ArrowRight: move(at => at + 1), ArrowLeft: move(at => at - 1), Home: move(() => 0), End: move((_, last) => last),
    Escape: () => setCursor(null),
  });
  return {
    node,
    show(/** @type {State} */ state) {
      const what = kind === "measure" ? state.measure : kind, title = what === "rate" ? "learning rate" : what;
      node.hidden = !what || (kind !== "loss" && !namesOf(state).some(name => pointsOf(state, name, what).length));
      if (node.hidden) return;
      drawing.replaceChildren(...partsOf(state, kind, what, title));
      const label = what === "rate" ? "Learning rate" : what;
      node.setAttribute("aria-label", `${label} by step. Left and right read a step out, Escape goes back to the latest.`);
    },
  };
}

/** @param {State} state @param {Kind} kind @param {string} what @param {string} title */
function partsOf(state, kind, what, title) {
  // This training is drawn last: one that repeats an earlier one exactly would otherwise be hidden under it.
  const shown = shownNames(state).reverse().map(name => ({ name, points: pointsOf(state, name, what) }));
  const most = Math.max(0, ...shown.flatMap(({ points }) => points.map(([, value]) => value)));
  const top = kind === "measure" && most <= 1 ? 1 : most * 1.05 || 1, last = lastStep(state);
  const x = (/** @type {number} */ step) => LEFT + step / last * W, y = (/** @type {number} */ value) => TOP + H - value / top * H;
  /** @type {SVGElement[]} */
  const parts = [svg("text", { x: LEFT, y: 12, class: "nl-word nl-on", "font-size": 12.5 }, title), ...axes(top, last, x, y)];
  if (kind === "measure") parts.push(...levels(state.levels, top, y));
  const { cursor } = state;
  if (cursor !== null) parts.push(svg("path", { d: `M${x(cursor)} ${TOP}v${H}`, class: "nl-cursor" }));
  for (const [order, { name, points }] of shown.entries()) {
    const end = (cursor === null ? null : points.findLast(([step]) => step <= cursor)) ?? points.at(-1);
    if (!end) continue;
    const k = namesOf(state).indexOf(name), colour = state.colours.lines[k];
    const d = points.map(([step, value], k) => `${k ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    const below = curvesBelow(points, shown.slice(0, order).map(earlier => earlier.points));
    const gaps = below ? `; stroke-dasharray: ${DASH} ${DASH * below}` : ""; // through which those below are seen
    parts.push(svg("path", { d, class: "nl-curve", "data-name": name, "data-points": points.length, style: `stroke: ${colour}${gaps}` }));
    parts.push(marker(k, x(end[0]), y(end[1]), colour));
  }
  return parts;
}

/** Lines to reach, with their names. @param {Record<string, number>} heights @param {number} top @param {(value: number) => number} y */
function levels(heights, top, y) {
  return Object.entries(heights).filter(([, height]) => height <= top).flatMap(([name, height]) => [
    svg("path", { d: `M${LEFT} ${y(height)}h${W}`, class: "nl-level", "data-level": name }),
    svg("text", { x: LEFT + W, y: y(height) + 12, class: "nl-weak", "font-size": 11, "text-anchor": "end" }, name),
  ]);
}

/** @param {number} top @param {number} last @param {(step: number) => number} x @param {(value: number) => number} y */
function axes(top, last, x, y) {
  const look = { class: "nl-beside nl-weak", "font-size": 11 };
  return [
    ...ticks(top).flatMap(value => [
      svg("path", { d: `M${LEFT} ${y(value)}h${W}`, class: "nl-rule" }),
      svg("text", { ...look, x: LEFT - 7, y: y(value), "text-anchor": "end", "dominant-baseline": "central" }, short(value)),
    ]),
    svg("text", { ...look, x: LEFT + W / 2, y: TOP + H + 35, "text-anchor": "middle" }, "step"),
    ...ticks(last).map(step => svg("text", { ...look, x: x(step), y: TOP + H + 17, "text-anchor": "middle" }, withCommas(step))),
  ];
}
