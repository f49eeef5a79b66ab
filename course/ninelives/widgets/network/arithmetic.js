// The arithmetic of a Transformer, one row at a time, in float64.

/** @typedef {Float64Array} Row */
/** @typedef {{ weight: Float64Array, bias: Float64Array | null }} Linear the weight is (out, in), row by row, as in nn.Linear */
/** @typedef {{ weight: Float64Array, bias: Float64Array }} Norm */

const EPSILON = 1e-5; // of nn.LayerNorm

/** x Wᵀ + b: (in) to (out). @param {Linear} layer @param {Row} x */
export function linear({ weight, bias }, x) {
  const n = x.length, y = new Float64Array(weight.length / n);
  for (let i = 0, at = 0; i < y.length; i++) {
    let a = bias ? bias[i] : 0, b = 0, c = 0, d = 0, j = 0; // four sums, since each alone would wait for itself
    for (; j + 3 < n; j += 4, at += 4) {
      a += weight[at] * x[j];
      b += weight[at + 1] * x[j + 1];
      c += weight[at + 2] * x[j + 2];
      d += weight[at + 3] * x[j + 3];
    }
    for (; j < n; j++, at++) a += weight[at] * x[j];
    y[i] = a + b + (c + d);
  }
  return y;
}

/** @param {Row} x @param {Row} y */
export const sumOf = (x, y) => x.map((value, j) => value + y[j]);

/** @param {Row} x @param {Row} y */
export function dot(x, y) {
  let sum = 0;
  for (let j = 0; j < x.length; j++) sum += x[j] * y[j];
  return sum;
}

/** As nn.LayerNorm. @param {Norm} norm @param {Row} x */
export function layerNorm({ weight, bias }, x) {
  let sum = 0, squares = 0;
  for (const value of x) sum += value;
  const mean = sum / x.length;
  for (const value of x) squares += (value - mean) ** 2;
  const scale = 1 / Math.sqrt(squares / x.length + EPSILON);
  return x.map((value, j) => (value - mean) * scale * weight[j] + bias[j]);
}

/** As nn.GELU, x Φ(x). @param {Row} x */
export const gelu = x => x.map(value => 0.5 * value * (1 + erf(value / Math.SQRT2)));

/** The error function, to 1.5e-7. Source: Abramowitz and Stegun 1964, formula 7.1.26. @param {number} x */
export function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - tail * Math.exp(-x * x));
}

/** @param {Row} scores */
export function softmax(scores) {
  let highest = -Infinity, sum = 0;
  for (const score of scores) if (score > highest) highest = score;
  const weights = scores.map(score => Math.exp(score - highest));
  for (const weight of weights) sum += weight;
  return weights.map(weight => weight / sum);
}
