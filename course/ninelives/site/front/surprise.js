// Sentences that the reader has not asked for.

import { reasonsFor, textOf } from "./grammar.js";

/** @import { Lexicon } from "./grammar.js" */

/** Draws a sentence, never the same twice in a row: in turn one about two animals, one about a dish, and one that the network gets wrong. @param {Lexicon} lexicon @param {string[]} heldOut @param {string[]} wrong @returns {(now: string) => string} */
export function surprises(lexicon, heldOut, wrong) {
  const kinds = [heldOut, aboutDishes(lexicon), wrong];
  let turn = 0;
  return now => {
    const others = kinds[turn++ % kinds.length].filter(text => text !== now);
    return others[Math.floor(Math.random() * others.length)];
  };
}

/** All sentences of the grammar about a dish. @param {Lexicon} lexicon */
function aboutDishes(lexicon) {
  return Object.keys(lexicon.animals).flatMap(first => Object.keys(lexicon.dishes).flatMap(dish => {
    const choice = { first, verb: "eat", voice: "active", second: "", dish, reason: "" };
    return reasonsFor(lexicon, choice).map(reason => textOf(lexicon, { ...choice, reason }));
  }));
}
