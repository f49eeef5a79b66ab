// Which colour a weight or a signed value has, as in ninelives.figures.scale.

const SHARES = { linear: [0, 0.25, 0.5, 0.75, 1], sqrt: [0, 0.1, 0.25, 0.5, 1] }; // of the top, at which the ticks are
const HALF_UP = 1 + 1e-12; // so that a half is rounded up, here as in Python
const DIGIT = 6.5; // px, the width of one in a tick's label
const CHOICES = [[0, 1, 2, 3, 4], [0, 1, 3, 4], [0, 2, 4]]; // of five ticks
const SIGNED_SHARES = { linear: [-1, -0.5, 0, 0.5, 1], sqrt: [-1, -0.25, 0, 0.25, 1] };

/** @typedef {"linear" | "sqrt"} Growth */
/** @typedef {{ growth: Growth, top: number, isSigned: boolean }} Scale `top` is the weight that gets the darkest colour */

/** The top of a scale: a weight, or the largest of a head without its sign, rounded up to two digits. @param {number | "head"} vmax @param {Float32Array} weights */
export function topOf(vmax, weights) {
  if (vmax !== "head") return vmax;
  let largest = 0;
  for (const w of weights) if (Math.abs(w) > largest) largest = Math.abs(w);
  if (largest <= 0) return 1;
  const unit = 10 ** (Math.floor(Math.log10(largest)) - 1);
  return Math.ceil(largest / unit - 1e-9) * unit;
}

/** How far a weight is on the way to the darkest colour, 0 … 1; of a signed value −1 … 1. @param {Pick<Scale, "growth" | "top">} scale @param {number} w */
export function shareOf({ growth, top }, w) {
  const size = Math.abs(w), share = size >= top ? 1 : size / top;
  return Math.sign(w) * (growth === "sqrt" ? Math.sqrt(share) : share);
}

/** Where a number is on the colour bar, 0 … 1. @param {Scale} scale @param {number} w */
export const onBar = (scale, w) => (scale.isSigned ? 0.5 + shareOf(scale, w) / 2 : shareOf(scale, w));

/** The numbers that the colour bar names, each of three digits. @param {Scale} scale */
export const ticksOf = ({ growth, top, isSigned }) => (isSigned ? SIGNED_SHARES : SHARES)[growth].map(share => Number((share * top * HALF_UP).toPrecision(3)));

/**
 * As many of them as have room for their labels along a bar.
 * @param {Scale} scale
 * @param {number} width of the bar, in px
 */
export function ticksThatFit(scale, width) {
  const places = ticksOf(scale).map(tick => ({ tick, x: width * onBar(scale, tick), half: (`${tick}`.length + 1) * DIGIT / 2 }));
  const fits = CHOICES.map(choice => choice.map(k => places[k]))
    .find(chosen => chosen.every((place, k) => !k || place.x - chosen[k - 1].x >= place.half + chosen[k - 1].half));
  return (fits ?? [places[0], places[4]]).map(({ tick }) => tick);
}
