// The arithmetic of a Transformer, one row at a time, in float64. Plain loops, since a function for each number would take longer.

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
export function sumOf(x, y) {
  const sum = new Float64Array(x.length);
  for (let j = 0; j < x.length; j++) sum[j] = x[j] + y[j];
  return sum;
}

/** @param {Row} x @param {Row} y */
export function dot(x, y) {
  let sum = 0;
  for (let j = 0; j < x.length; j++) sum += x[j] * y[j];
  return sum;
}

/** As nn.LayerNorm. @param {Norm} norm @param {Row} x */
export function layerNorm({ weight, bias }, x) {
  const n = x.length, y = new Float64Array(n);
  let sum = 0, squares = 0;
  for (let j = 0; j < n; j++) sum += x[j];
  const mean = sum / n;
  for (let j = 0; j < n; j++) squares += (x[j] - mean) ** 2;
  const scale = 1 / Math.sqrt(squares / n + EPSILON);
  for (let j = 0; j < n; j++) y[j] = (x[j] - mean) * scale * weight[j] + bias[j];
  return y;
}

/** As nn.GELU, x Φ(x). @param {Row} x */
export function gelu(x) {
  const y = new Float64Array(x.length);
  for (let j = 0; j < x.length; j++) y[j] = 0.5 * x[j] * (1 + erf(x[j] / Math.SQRT2));
  return y;
}

/** The error function, to 1.5e-7. Source: Abramowitz and Stegun 1964, formula 7.1.26. @param {number} x */
export function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - tail * Math.exp(-x * x));
}

/** @param {Row} scores */
export function softmax(scores) {
  const weights = new Float64Array(scores.length);
  let highest = -Infinity, sum = 0;
  for (let j = 0; j < scores.length; j++) if (scores[j] > highest) highest = scores[j];
  for (let j = 0; j < scores.length; j++) sum += weights[j] = Math.exp(scores[j] - highest);
  for (let j = 0; j < scores.length; j++) weights[j] /= sum;
  return weights;
}
