// Text to ids and back, as WordTokenizer in Python.

import { truncated } from "../js/labels.js";

/** @import { Network } from "./unpack.js" */

const SIMILARITY = 0.75; // of a misspelt word to the word itself
const MOST_LETTERS = 40; // of an unknown word

/**
 * The ids of a sentence.
 * @param {Network} network
 * @param {string} text
 * @throws {Error} a sentence about an empty text, an unknown word or too many words
 */
export function encoded({ ids, reads, language, encoder, decoder }, text) {
  const trimmed = text.trimEnd(), lower = (trimmed.endsWith(".") ? trimmed.slice(0, -1) : trimmed).toLowerCase();
  const words = lower.replaceAll("’", "'").replaceAll("'", "' ").split(/\s+/).filter(Boolean), most = (encoder ?? decoder).config.block_size;
  if (!words.length) throw new Error("There is no sentence: type one.");
  const unknown = words.find(word => !reads.includes(word) || word === "<end>");
  if (unknown !== undefined) throw new Error(about(unknown, reads.filter(word => word !== "<end>"), language));
  if (words.length > most) throw new Error(`The sentence has ${words.length} words and the model reads at most ${most}: shorten it.`);
  return words.map(word => /** @type {number} */ (ids.get(word)));
}

/** The text of ids, up to the end. @param {Network} network @param {number[]} written */
export function decoded({ words, end }, written) {
  const last = written.indexOf(end);
  return written.slice(0, last < 0 ? undefined : last).map(id => words[id]).join(" ").replaceAll("' ", "'");
}

/** @param {string} unknown @param {string[]} known @param {string} language */
function about(unknown, known, language) {
  const near = nearest(unknown, known);
  return `“${truncated(unknown, MOST_LETTERS)}” is not among the ${known.length} ${`known ${language}`.trim()} words${near === null ? "." : `; the nearest is “${near}”.`}`;
}

/** The most similar word, as difflib.get_close_matches finds it, or one of the same letters; null if there is none. @param {string} word @param {string[]} known */
export function nearest(word, known) {
  let best = null, closest = SIMILARITY;
  for (const other of known) {
    const similarity = 2 * common(other, word) / (other.length + word.length);
    if (similarity < closest || (best !== null && similarity === closest && other < best)) continue;
    best = other;
    closest = similarity;
  }
  const letters = [...word].sort().join("");
  return best ?? known.find(other => [...other].sort().join("") === letters) ?? null;
}

/** How many characters two words share, longest common part first, then left and right of it. @param {string} a @param {string} b @returns {number} */
function common(a, b) {
  let from = 0, to = 0, length = 0;
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) {
      let k = 0;
      while (i + k < a.length && j + k < b.length && a[i + k] === b[j + k]) k++;
      if (k > length) [from, to, length] = [i, j, k];
    }
  }
  if (!length) return 0;
  return length + common(a.slice(0, from), b.slice(0, to)) + common(a.slice(from + length), b.slice(to + length));
}
