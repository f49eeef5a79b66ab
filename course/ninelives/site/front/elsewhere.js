// Where "it" attends to the noun that it stands for, and what becomes of the pronoun without these layers.

import { range, two } from "../../widgets/js/numbers.js";
import { translation } from "../../widgets/network/translate.js";
import { LOOKS, lookingAtNoun } from "./view.js";

/** @import { View } from "./view.js" */

/** Sentences, after a space, for a pronoun that stays when the encoder's second layer is out: whether that layer looked at the noun, and which others do. @param {View} view */
export function whereElse(view) {
  const { run, meaning, network, text, pronoun } = view;
  if (!meaning) return "";
  const noun = `“${meaning.noun}”`, best = lookingAtNoun(view), [, second, third] = best;
  const others = best.filter(({ l, weight }) => l !== second.l && weight > LOOKS).map(({ l, weight }) => `layer ${l + 1} (${two(weight)})`).join(" and ");
  if (second.weight <= LOOKS) return ` No head of this layer gave ${noun} more than ${two(second.weight)}.${others && ` “It” attends to ${noun} in ${others}.`}`;
  const yet = ` Yet it was in this layer that “it” attended to ${noun}, up to ${two(second.weight)} in one head.`, alone = " A picture of attention shows where a head looks, not whether the answer depends on it alone.";
  if (!others) return `${yet}${alone}`;
  if (third.weight <= LOOKS) return `${yet} It attends to ${noun} in ${others} too.${alone}`;
  const H = run.encoder.layers[0].weights.length, forced = run.steps.slice(0, pronoun).map(({ id }) => id);
  const next = translation(network, text, { out: range(2 * H).map(k => H + k), forced, most: pronoun + 1 }).french[pronoun]; // without layers 2 and 3
  return `${yet} It attends to ${noun} in ${others} too. With layers 2 and 3 both out, the next word after the same French would ${next === run.french[pronoun] ? "still " : ""}be “${next}”.${alone}`;
}
