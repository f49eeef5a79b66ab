// The translation as it was and as it is now, each with its difference.

import { html } from "../js/dom.js";
import { answerNow, isNew } from "./changes.js";
import { signed } from "./in_words.js";

/** @import { Answer, State } from "./changes.js" */

export function translations() {
  const before = line("unchanged"), now = line("now");
  const how = html("p", { className: "nl-note" }, "The difference is always measured after the words of the unchanged translation.");
  return {
    node: html("div", { className: "nl-translations" }, before.node, now.node, how),
    show(/** @type {State} */ state) {
      const whole = state.answers[""], answer = answerNow(state);
      before.show(whole, whole, state.pair);
      now.show(answer, whole, state.pair);
      how.hidden = whole.difference === null;
    },
  };
}

/** @param {string} name */
function line(name) {
  const text = html("p", { className: "nl-french", lang: "fr" }), difference = html("p", { className: "nl-difference" });
  return {
    node: html("div", { className: "nl-translation" }, html("span", { className: "nl-name" }, name), text, difference),
    /** @param {Answer | undefined} answer @param {Answer | undefined} whole @param {State["pair"]} pair */
    show(answer, whole, [one, other]) {
      if (!answer || !whole) {
        text.textContent = "…";
        difference.textContent = "";
        return;
      }
      const fresh = isNew(answer.french, whole.french);
      text.replaceChildren(...answer.french.flatMap((word, k) => {
        const shown = html(fresh[k] ? "mark" : "span", { className: word === one || word === other ? "nl-pronoun" : "" }, word);
        return word.endsWith("'") ? [shown] : [shown, " "];
      }));
      difference.textContent = answer.difference === null ? "" : `log p(${one}) − log p(${other}) = ${signed(answer.difference)}`;
    },
  };
}
