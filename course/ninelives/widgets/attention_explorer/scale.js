// Which colour a weight has, as in ninelives.figures.scale.

const SHARES = { linear: [0, 0.25, 0.5, 0.75, 1], sqrt: [0, 0.1, 0.25, 0.5, 1] }; // of the top, at which the ticks are

/** @typedef {"linear" | "sqrt"} Kind */
/** @typedef {{ kind: Kind, top: number }} Scale `top` is the weight that gets the darkest colour */

/** The top of a scale: a weight, or the largest of a head, rounded up to two digits. @param {number | "head"} vmax @param {Float32Array} weights */
export function topOf(vmax, weights) {
  if (vmax !== "head") return vmax;
  let largest = 0;
  for (const w of weights) if (w > largest) largest = w;
  if (largest <= 0) return 1;
  const unit = 10 ** (Math.floor(Math.log10(largest)) - 1);
  return Math.ceil(largest / unit - 1e-9) * unit;
}

/** How far a weight is on the way to the darkest colour, 0 … 1. @param {Scale} scale @param {number} w */
export function shareOf({ kind, top }, w) {
  const share = w >= top ? 1 : w / top;
  return kind === "sqrt" ? Math.sqrt(share) : share;
}

/** The weights that the colour bar names, each of three digits. @param {Scale} scale */
export const ticksOf = ({ kind, top }) => SHARES[kind].map(share => Number((share * top).toPrecision(3)));
