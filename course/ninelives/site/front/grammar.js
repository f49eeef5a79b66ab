// The course's sentences as choices: which words there are, what the sentence says, and what "it" stands for.

/**
 * The words of text/lexicon.py.
 * @typedef {object} Lexicon
 * @property {Record<string, "m" | "f">} animals
 * @property {Record<string, { agent: string[], patient: string[] }>} verbs and the reasons that speak of the one who acts, and of the other
 * @property {Record<string, string[]>} wishes and their reasons
 * @property {Record<string, { gender: "m" | "f", reasons: string[] }>} dishes
 * @property {string[]} eater reasons that speak of the one who does not want to eat
 * @property {[string, string][]} unread verbs and reasons that never met in the passive in training
 * @property {{ nouns: Record<string, string>, participles: Record<string, string>, infinitives: Record<string, string>, adjectives: Record<string, [string, string]> }} french adjectives: masculine and feminine
 */

/** @typedef {{ first: string, verb: string, voice: string, second: string, dish: string, reason: string }} Choice `second` holds only with a verb between two animals, `dish` ("": none) only with "eat" */
/** @typedef {keyof Choice} Part */
/** @typedef {{ word: string, part?: Part }} Piece a word of the sentence, and the part of the choice that it is */
/** @typedef {{ noun: string, other: string, pronoun: "il" | "elle", otherPronoun: "" | "il" | "elle" }} Meaning `other`: the noun that "it" does not stand for, or "" */

/** @param {Lexicon} lexicon @param {Choice} choice */
export const isBetweenAnimals = ({ verbs }, { verb }) => verb in verbs;

/** @param {Lexicon} lexicon @param {Choice} choice @returns {Piece[]} */
export function piecesOf(lexicon, choice) {
  const words = (/** @type {string} */ text) => text.split(" ").map(word => ({ word }));
  const part = (/** @type {Part} */ name) => ({ word: choice[name], part: name });
  const end = [...words("because it was"), part("reason")];
  const start = [...words("the"), part("first")];
  if (isBetweenAnimals(lexicon, choice)) {
    const passive = choice.voice === "passive";
    return [...start, ...(passive ? words("was") : []), part("verb"), ...words(passive ? "by the" : "the"), part("second"), ...end];
  }
  const dish = choice.dish ? [...words("the"), part("dish")] : [];
  return [...start, ...words("did not want to"), part("verb"), ...dish, ...end];
}

/** @param {Lexicon} lexicon @param {Choice} choice */
export const textOf = (lexicon, choice) => piecesOf(lexicon, choice).map(({ word }) => word).join(" ");

/** The reasons that make sense, in alphabetical order. @param {Lexicon} lexicon @param {Choice} choice */
export function reasonsFor(lexicon, choice) {
  const { verbs, wishes, dishes, eater } = lexicon, { verb, dish } = choice;
  if (isBetweenAnimals(lexicon, choice)) return [...verbs[verb].agent, ...verbs[verb].patient].sort();
  return [...new Set(dish ? [...eater, ...dishes[dish].reasons] : wishes[verb])].sort();
}

/** The choice with one part changed, and what no longer fits changed with it. @param {Lexicon} lexicon @param {Choice} choice @param {Part} part @param {string} value @returns {Choice} */
export function changed(lexicon, choice, part, value) {
  const next = { ...choice, [part]: value };
  if (next.first === next.second) next[part === "first" ? "second" : "first"] = choice[part === "first" ? "first" : "second"];
  if (next.verb !== "eat") next.dish = "";
  const { animals } = lexicon, isNew = isBetweenAnimals(lexicon, next) && !isBetweenAnimals(lexicon, choice); // a second animal comes: one of the other gender
  if (isNew && animals[next.first] === animals[next.second]) next.second = animals[next.first] === "m" ? "hen" : "cat";
  const reasons = reasonsFor(lexicon, next);
  if (!reasons.includes(next.reason)) next.reason = reasons[0];
  return next;
}

/** The choice in which a single animal meets another. @param {Lexicon} lexicon @param {Choice} choice */
export function withSecondAnimal(lexicon, choice) {
  const isKept = reasonsFor(lexicon, { ...choice, verb: "followed" }).includes(choice.reason);
  return changed(lexicon, isKept ? choice : { ...choice, reason: "lost" }, "verb", "followed");
}

/** The choice in which the first of two animals is alone; what it did then, and why, it does again. @param {Lexicon} lexicon @param {Choice} choice @param {Choice | null} before a sentence with a single animal */
export function withoutSecondAnimal(lexicon, choice, before) {
  const next = before ? { ...before, first: choice.first, second: choice.second } : changed(lexicon, choice, "verb", "eat");
  return reasonsFor(lexicon, next).includes(choice.reason) ? { ...next, reason: choice.reason } : next;
}

/** @param {Lexicon} lexicon @param {Choice} choice @returns {Meaning} */
export function meaningOf(lexicon, choice) {
  const { first, second, dish, reason, verb, voice } = choice, { animals, dishes, verbs, eater } = lexicon;
  const pronounOf = (/** @type {string} */ name) => ((animals[name] ?? dishes[name].gender) === "m" ? "il" : "elle");
  const of = (/** @type {string} */ noun, /** @type {string} */ other) =>
    /** @type {Meaning} */ ({ noun, other, pronoun: pronounOf(noun), otherPronoun: other && pronounOf(other) });
  if (isBetweenAnimals(lexicon, choice)) {
    const ofFirst = verbs[verb].agent.includes(reason) === (voice === "active");
    return ofFirst ? of(first, second) : of(second, first);
  }
  return dish && !eater.includes(reason) ? of(dish, first) : of(first, dish);
}

/** The choice that makes this text, or null. @param {Lexicon} lexicon @param {string} text @returns {Choice | null} */
export function parsed(lexicon, text) {
  const words = text.trim().toLowerCase().replace(/\.$/, "").split(/\s+/), { animals, verbs, wishes, dishes } = lexicon;
  const nouns = words.filter(word => word in animals), dish = words.find(word => word in dishes) ?? "";
  const verb = words.find(word => word in verbs || word in wishes) ?? "";
  const voice = words[2] === "was" ? "passive" : "active", reason = words[words.length - 1];
  if (!nouns.length || !verb) return null;
  const second = nouns[1] ?? Object.keys(animals).find(noun => noun !== nouns[0]) ?? "";
  const choice = { first: nouns[0], verb, voice, second, dish, reason };
  return nouns[0] !== nouns[1] && textOf(lexicon, choice) === words.join(" ") && reasonsFor(lexicon, choice).includes(reason) ? choice : null;
}

/** The same sentence with a noun of the other gender where "it" stands for it; null if there is none with this reason. @param {Lexicon} lexicon @param {Choice} choice @returns {Choice | null} */
export function withOtherGender(lexicon, choice) {
  const { noun } = meaningOf(lexicon, choice), { animals, dishes } = lexicon;
  if (noun in dishes) {
    const dish = Object.keys(dishes).find(name => dishes[name].gender !== dishes[noun].gender && dishes[name].reasons.includes(choice.reason));
    return dish ? { ...choice, dish } : null;
  }
  const pair = [["cat", "cow"], ["dog", "hen"], ["horse", "goat"]].map(([m, f]) => (animals[noun] === "m" ? f : m));
  const other = pair.find(name => name !== choice.first && name !== choice.second);
  return other ? { ...choice, [choice.first === noun ? "first" : "second"]: other } : null;
}
