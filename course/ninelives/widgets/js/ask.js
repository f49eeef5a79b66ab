// The sentence to be translated: a field and a button.

import { html } from "./dom.js";

export const NEVER_IN_DOUBT = "The network translates nonsense too if it knows the words: it has no way to say that it does not know.";

/** @param {string} text @param {boolean} canAsk whether Python or the page can translate @param {(text: string) => void} translate */
export function ask(text, canAsk, translate) {
  const field = html("input", { type: "text", value: text, spellcheck: false, autocomplete: "off", disabled: !canAsk });
  const send = () => translate(field.value);
  field.addEventListener("keydown", event => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    send();
  });
  const name = html("span", { className: "nl-name" }, "English sentence");
  const node = html("div", { className: "nl-ask" }, html("label", {}, name, field),
    html("button", { type: "button", onclick: send, disabled: !canAsk }, "Translate"));
  return {
    node,
    show(/** @type {string} */ now) {
      if (field.value !== now) field.value = now;
    },
  };
}
