// Small functions of numbers and of the text that says them.

/** @param {number} x @param {number} low @param {number} high */
export const clamp = (x, low, high) => Math.max(low, Math.min(high, x));

/** The numbers 0 … n − 1. @param {number} n */
export const range = n => Array.from({ length: n }, (_, i) => i);

/** So many decimals, with a true minus and no minus zero. @param {number} x @param {number} count */
export const decimals = (x, count) => x.toFixed(count).replace(/^-(?=[0.]+$)/, "").replace("-", "−");

/** Two decimals, as `two` in Python. @param {number} x */
export const two = x => decimals(x, 2);

/** The index of the first largest value. @param {ArrayLike<number>} values */
export function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** "1 cell", "2 cells". @param {number} n @param {string} one @param {string} [many] */
export const counted = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** The bytes of a base64 text. @param {string} text */
export const fromBase64 = text => Uint8Array.from(atob(text), character => character.charCodeAt(0)).buffer;

/** The base64 text of bytes. @param {ArrayBuffer} bytes */
export const toBase64 = bytes => btoa(Array.from(new Uint8Array(bytes), byte => String.fromCharCode(byte)).join(""));
