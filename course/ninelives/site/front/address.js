// The sentence in the page's address, so that a link to the page can hold it.

import { html } from "../../widgets/js/dom.js";

const SAYS = "#say=";

/** The sentence that the address holds, or "". */
export function sentenceInAddress() {
  if (!location.hash.startsWith(SAYS)) return "";
  try {
    return decodeURIComponent(location.hash.slice(SAYS.length)).replaceAll("-", " ");
  } catch {
    return ""; // a "%" that encodes nothing
  }
}

/** @param {string} text @param {boolean} [isStep] whether the browser's way back leads to the sentence before */
export function putInAddress(text, isStep = false) {
  const address = SAYS + encodeURIComponent(text.replaceAll(" ", "-"));
  if (isStep && location.hash !== address) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

/** A button that copies the address with the sentence. @param {() => string} text @param {(words: string | null) => void} say to those who hear the page */
export function linkButton(text, say) {
  const button = html("button", { type: "button", className: "quiet" }, "Copy a link to this sentence");
  button.onclick = async () => {
    putInAddress(text());
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = "Copied";
    } catch {
      button.textContent = "The link is in the address bar";
    }
    say(button.textContent);
  };
  return { node: button, show: () => { button.textContent = "Copy a link to this sentence"; } };
}
