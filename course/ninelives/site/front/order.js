// What a reader is invited to break in the sentence: the order of its words.

import { html } from "../../widgets/js/dom.js";
import { translation } from "../../widgets/network/translate.js";
import { line, MOST, toggle } from "./broken.js";
import { isBetweenAnimals, textOf, withSecondAnimal } from "./grammar.js";
import { joined } from "./view.js";

/** @import { Say } from "./broken.js" */
/** @import { View } from "./view.js" */

/** Without positions, a sentence is a bag of words. @param {HTMLElement} node @param {Say} say */
export function withoutPositions(node, say) {
  const both = html("div", {}), reading = html("p", { className: "reading" });
  /** @type {View} */
  let view;
  const { box, node: label } = toggle("Take the positions away", () => {
    show(view);
    say(reading.textContent);
  });
  node.append(label, both, reading);
  /** @param {View} now */
  function show(now) {
    view = now;
    const { network, choice } = view, text = withTwoNouns(view), other = swapped(text.split(" "));
    const usual = text === view.text ? view.run : translation(network, text), options = { positions: !box.checked, most: MOST };
    const runs = [box.checked ? translation(network, text, options) : usual, translation(network, other, options)];
    both.replaceChildren(line(text, runs[0]), line(other, runs[1]));
    const same = joined(runs[0].french) === joined(runs[1].french);
    reading.textContent = !box.checked ? `With positions the two sentences have ${same ? "the same French" : "different French"}, although their words are the same.`
      : `Without positions the French of the two is ${same ? `the same: ${choice ? "who did what to whom" : "the order of the words"} is gone` : "still different"}.`
        + (joined(runs[0].french) === joined(usual.french) ? "" : " Nor is it what the network wrote before, since it was trained with positions.");
  }
  return { show };
}

/** The sentence; where it has a single animal, one in which that animal meets another. @param {View} view */
function withTwoNouns({ lexicon, choice, run }) {
  if (!choice) return run.english.join(" ");
  return textOf(lexicon, isBetweenAnimals(lexicon, choice) ? choice : withSecondAnimal(lexicon, choice));
}

/** The sentence with its second word and the one before "because" swapped. The last word stays: its row predicts the first French word. @param {string[]} words */
function swapped(words) {
  const because = words.indexOf("because"), a = Math.min(1, words.length - 1), b = Math.max(a, because < 0 ? words.length - 2 : because - 1);
  return words.map((word, k) => (k === a ? words[b] : k === b ? words[a] : word)).join(" ");
}
