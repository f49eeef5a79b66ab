// The course's sentences in French, and back.

import { isBetweenAnimals, meaningOf, textOf } from "./grammar.js";

/** @import { Choice, Lexicon } from "./grammar.js" */

/** The sentence in French. @param {Lexicon} lexicon @param {Choice} choice @param {"il" | "elle"} [pronoun] another one than is right */
export function frenchOf(lexicon, choice, pronoun = meaningOf(lexicon, choice).pronoun) {
  const { animals, dishes, french } = lexicon, { first, verb, second, dish, reason } = choice;
  const isFeminine = (/** @type {string} */ noun) => (animals[noun] ?? dishes[noun].gender) === "f";
  const the = (/** @type {string} */ noun) => `${isFeminine(noun) ? "la" : "le"} ${french.nouns[noun]}`;
  const [masculine, feminine] = french.adjectives[reason], end = `parce qu'${pronoun} était ${pronoun === "il" ? masculine : feminine}`;
  if (!isBetweenAnimals(lexicon, choice)) return `${the(first)} ne voulait pas ${french.infinitives[verb]}${dish ? ` ${the(dish)}` : ""} ${end}`;
  const participle = french.participles[verb];
  return choice.voice === "active" ? `${the(first)} a ${participle} ${the(second)} ${end}`
    : `${the(first)} a été ${participle}${isFeminine(first) ? "e" : ""} par ${the(second)} ${end}`;
}

/** A French text in English; "" if it has not the form of the course's sentences. @param {Lexicon} lexicon @param {string} text */
export function inEnglish(lexicon, text) {
  const words = text.replaceAll("'", " ").split(" "), { animals, dishes, french: { nouns, participles, infinitives, adjectives } } = lexicon;
  const named = (/** @type {Record<string, string>} */ table) => words.flatMap(word => Object.keys(table).filter(name => table[name] === word));
  const [first, second = ""] = named(nouns).filter(noun => noun in animals), [dish = ""] = named(nouns).filter(noun => noun in dishes);
  const verb = named(infinitives)[0] ?? Object.keys(participles).find(name => words.some(word => [participles[name], `${participles[name]}e`].includes(word)));
  const reason = Object.keys(adjectives).find(name => adjectives[name].includes(words[words.length - 1]));
  if (!first || !verb || !reason) return "";
  const choice = { first, verb, voice: words.includes("par") ? "passive" : "active", second, dish, reason };
  if (isBetweenAnimals(lexicon, choice) !== Boolean(second)) return "";
  return [frenchOf(lexicon, choice, "il"), frenchOf(lexicon, choice, "elle")].includes(text) ? textOf(lexicon, choice) : "";
}
