// The switches that are no word of the sentence: a second animal, the voice, and a dish for "eat".

import { html } from "../../widgets/js/dom.js";
import { changed, isBetweenAnimals, withoutSecondAnimal, withSecondAnimal } from "./grammar.js";

/** @import { Choice } from "./grammar.js" */
/** @import { View } from "./view.js" */

/** @param {HTMLElement} node @param {(choice: Choice) => void} choose */
export function switches(node, choose) {
  const [second, voice, dish] = ["", "quiet", "quiet"].map(className => html("button", { type: "button", className }));
  node.prepend(second, voice, dish);
  /** @type {Choice | null} */
  let alone = null; // the last sentence with a single animal, to which "leave it out" leads back
  return {
    /** @param {View} view */
    show({ choice, lexicon }) {
      for (const button of [second, voice, dish]) button.hidden = !choice;
      if (!choice) return;
      const two = isBetweenAnimals(lexicon, choice), passive = choice.voice === "passive", there = Boolean(choice.dish);
      second.textContent = two ? "Leave the second animal out" : "Add a second animal";
      second.className = two ? "quiet" : "invites";
      if (!two) alone = choice;
      second.onclick = () => choose(two ? withoutSecondAnimal(lexicon, choice, alone) : withSecondAnimal(lexicon, choice));
      voice.hidden = !two;
      voice.textContent = passive ? "Say it in the active voice" : "Say it in the passive voice";
      voice.onclick = () => choose(changed(lexicon, choice, "voice", passive ? "active" : "passive"));
      dish.hidden = choice.verb !== "eat";
      dish.textContent = there ? "Leave the dish out" : "Add a dish";
      dish.onclick = () => choose(changed(lexicon, choice, "dish", there ? "" : "apple"));
    },
  };
}
