// A sentence that the reader types, or that came with the address.

import { encoded } from "../../widgets/network/words.js";

/** @import { Network } from "../../widgets/network/unpack.js" */
/** @import { View } from "./view.js" */

/**
 * The form, and what it answers to a text that cannot be read.
 * @param {HTMLFormElement} form with a field, an error after it, and a button that leads back to the menus
 * @param {Network} network
 * @param {(text: string) => void} open shows a text that can be read
 * @param {() => void} leave goes back to the menus
 */
export function typing(form, network, open, leave) {
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("typed")), error = /** @type {HTMLElement} */ (form.querySelector("[role=alert]"));
  const back = /** @type {HTMLElement} */ (form.nextElementSibling);
  const forgive = () => {
    error.textContent = "";
    field.removeAttribute("aria-invalid");
  };
  /** @param {string} text */
  function read(text) {
    const typed = text.replace(/n['’]t\b/g, " not").replace(/[.,;:!?]/g, " ").trim().replace(/\s+/g, " ").toLowerCase(); // the network knows no marks
    try {
      encoded(network, typed);
    } catch (problem) {
      error.textContent = problem instanceof Error ? problem.message : String(problem);
      field.setAttribute("aria-invalid", "true");
      return;
    }
    open(typed);
  }
  form.onsubmit = event => {
    event.preventDefault();
    read(field.value);
  };
  back.onclick = leave;
  return {
    /** A text that came from elsewhere: it stands in the field, with what is wrong with it. @param {string} text */
    readFrom(text) {
      field.value = text;
      read(text);
      /** @type {HTMLDetailsElement} */ (form.parentElement).open = error.textContent !== "";
    },
    /** @param {View} view */
    show({ choice, text }) {
      forgive();
      field.value = text;
      back.hidden = Boolean(choice);
    },
  };
}
