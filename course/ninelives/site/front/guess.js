// The reader guesses before the network does.

import { html } from "../../widgets/js/dom.js";
import { translation } from "../../widgets/network/translate.js";
import { frenchWords } from "./french.js";
import { meaningOf, parsed } from "./grammar.js";
import { pronounStep } from "./view.js";

/** @import { Network } from "../../widgets/network/unpack.js" */
/** @import { Choice, Lexicon } from "./grammar.js" */

/** Sentences about two animals that never met in training, in turn. @param {HTMLElement} node @param {Network} network @param {Lexicon} lexicon @param {string[]} sentences @param {(words: string | null) => void} say to those who hear the page */
export function guess(node, network, lexicon, sentences, say) {
  let at = 0, yours = 0, its = 0;
  const asked = html("p", { className: "says" }), choices = html("div", { className: "choices" });
  const answer = html("p", { className: "says", lang: "fr" }), reading = html("p", { className: "reading" });
  node.append(asked, choices, answer, reading);

  function ask() {
    const text = sentences[at % sentences.length], choice = parsed(lexicon, text);
    if (!choice) throw new Error(`The page cannot read its own sentence “${text}”.`);
    asked.textContent = `The${text.slice(3)}.`;
    answer.replaceChildren();
    reading.textContent = "";
    choices.replaceChildren(html("span", {}, `Who was ${choice.reason}?`), ...[choice.first, choice.second].map(name =>
      html("button", { type: "button", onclick: () => show(text, choice, name) }, `the ${name}`)));
  }

  /** @param {string} text @param {Choice} choice @param {string} guessed */
  function show(text, choice, guessed) {
    const { noun, pronoun } = meaningOf(lexicon, choice), run = translation(network, text), said = run.french[pronounStep(run)];
    at++;
    yours += Number(guessed === noun);
    its += Number(said === pronoun);
    answer.replaceChildren(...frenchWords(run));
    const who = lexicon.verbs[choice.verb].agent.includes(choice.reason) ? `who ${choice.verb}` : `who was ${choice.verb}`;
    reading.textContent = `You said the ${guessed}; ${guessed === noun ? "so does the course's grammar" : `the course's grammar says the ${noun}`}: in it, “${choice.reason}” speaks of the one ${who}. `
      + `French needs “${pronoun}”, and the network wrote ${said === pronoun ? `“${said}” too` : said ? `“${said}”, so it is wrong` : "neither “il” nor “elle”, so it is wrong"}. `
      + `You: ${yours} of ${at}. The network: ${its} of ${at}.`;
    const next = html("button", { type: "button", onclick: () => { ask(); /** @type {HTMLElement} */ (choices.querySelector("button")).focus(); } }, "Another sentence");
    choices.replaceChildren(next);
    next.focus();
    say(reading.textContent);
  }
  ask();
}
