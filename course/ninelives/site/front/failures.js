// Where the network fails: sentences that it gets wrong, and such as no answer is right for.

import { html } from "../../widgets/js/dom.js";
import { two } from "../../widgets/js/numbers.js";
import { translation } from "../../widgets/network/translate.js";
import { line, MOST } from "./broken.js";
import { meaningOf, parsed } from "./grammar.js";
import { frenchOf, inEnglish } from "./in_french.js";
import { judgement, splitFrench } from "./view.js";

/** @import { Network } from "../../widgets/network/unpack.js" */
/** @import { Say } from "./broken.js" */
/** @import { Choice, Lexicon } from "./grammar.js" */

const SURE = 0.9; // a probability above which the network is called sure of a word

/** Sentences of the grammar that the network gets wrong, in turn. @param {HTMLElement} node @param {Network} network @param {Lexicon} lexicon @param {string[]} sentences @param {(text: string) => void} follow shows one in all of the page @param {Say} say */
export function wrongSentences(node, network, lexicon, sentences, follow, say) {
  let at = -1;
  const shown = html("div", {}), reading = html("p", { className: "reading" });
  const next = html("button", { type: "button" }, "A sentence it gets wrong"), all = html("button", { type: "button", hidden: true }, "Follow it from the top ↑");
  node.append(html("div", { className: "choices" }, next, all), shown, reading);
  next.onclick = () => {
    at = (at + 1) % sentences.length;
    const text = sentences[at], choice = parsed(lexicon, text);
    if (!choice) throw new Error(`The page cannot read its own sentence “${text}”.`);
    const run = translation(network, text), right = splitFrench(frenchOf(lexicon, choice));
    shown.replaceChildren(line(text, run, right));
    reading.textContent = `${judgement(run, meaningOf(lexicon, choice), right)} ${newInIt(lexicon, choice)}`;
    next.textContent = "Another one";
    all.hidden = false;
    all.onclick = () => follow(text);
    say(reading.textContent);
  };
}

/** What of a sentence never met in training. All of these are about two animals that did not. @param {Lexicon} lexicon @param {Choice} choice */
function newInIt(lexicon, { first, second, verb, voice, reason }) {
  const never = lexicon.unread.some(([a, b]) => a === verb && b === reason) && voice === "passive";
  return never ? `In training “was ${verb} by” never met “${reason}”.` : `In training the ${first} and the ${second} never met.`;
}

/** Texts that are no sentences of the grammar. @param {HTMLElement} node @param {Network} network @param {Lexicon} lexicon @param {string[]} texts @param {Say} say */
export function nonsense(node, network, lexicon, texts, say) {
  const shown = html("div", {}), reading = html("p", { className: "reading" });
  const buttons = texts.map(text => html("button", { type: "button", "aria-pressed": "false", onclick: () => show(text) }, text));
  node.append(html("div", { className: "choices" }, ...buttons), shown, reading);
  /** @param {string} text */
  function show(text) {
    const run = translation(network, text, { most: MOST }), chances = run.steps.map(({ id, probabilities }) => probabilities[id]);
    const back = inEnglish(lexicon, run.text), sure = chances.filter(p => p > SURE).length;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.textContent === text));
    shown.replaceChildren(line(text, run));
    reading.textContent = `${back && `In English: “${back}”. `}It gives ${sure} of ${chances.length} words, the end among them, a probability above ${SURE}, and none less than ${two(Math.min(...chances))}.`;
    say(reading.textContent);
  }
}
