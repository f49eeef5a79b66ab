// The reader guesses before the network does.

import { html } from "../../widgets/js/dom.js";
import { counted } from "../../widgets/js/numbers.js";
import { translation } from "../../widgets/network/translate.js";
import { frenchWords } from "./french.js";
import { meaningOf, parsed } from "./grammar.js";
import { pronounStep } from "./view.js";

/** @import { Network } from "../../widgets/network/unpack.js" */
/** @import { Lexicon } from "./grammar.js" */

/** Sentences about two animals that never met in training, in turn. @param {HTMLElement} node @param {Network} network @param {Lexicon} lexicon @param {string[]} sentences @param {(words: string | null) => void} say to those who hear the page */
export function guess(node, network, lexicon, sentences, say) {
  let at = 0, yours = 0, its = 0;
  const asked = html("p", { className: "says" }), choices = html("div", { className: "choices" });
  const answer = html("p", { className: "says", lang: "fr" }), reading = html("p", { className: "reading" });
  node.append(asked, choices, answer, reading);

  function ask() {
    const text = sentences[at % sentences.length], choice = parsed(lexicon, text);
    if (!choice) throw new Error(`The page cannot read its own sentence “${text}”.`);
    const { noun, pronoun } = meaningOf(lexicon, choice);
    asked.textContent = `The${text.slice(3)}.`;
    answer.replaceChildren();
    reading.textContent = "";
    choices.replaceChildren(html("span", {}, `Who was ${choice.reason}?`), ...[choice.first, choice.second].map(name =>
      html("button", { type: "button", onclick: () => show(text, name, noun, pronoun) }, `the ${name}`)));
  }

  /** @param {string} text @param {string} guessed @param {string} noun @param {string} pronoun */
  function show(text, guessed, noun, pronoun) {
    const run = translation(network, text), isRight = guessed === noun, knows = run.french[pronounStep(run)] === pronoun;
    at++;
    yours += Number(isRight);
    its += Number(knows);
    answer.replaceChildren(...frenchWords(run));
    reading.textContent = `${isRight ? "Yes" : "No"}. The course's grammar says that it is the ${noun}, so French says “${pronoun}”. The network ${knows ? "agrees" : "is wrong"}. `
      + `You: ${yours} of ${at}. The network: ${its} of ${counted(at, "sentence")}.`;
    const next = html("button", { type: "button", onclick: () => { ask(); /** @type {HTMLElement} */ (choices.querySelector("button")).focus(); } }, "Another sentence");
    choices.replaceChildren(next);
    next.focus();
    say(reading.textContent);
  }
  ask();
}
