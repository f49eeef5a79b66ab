// The sentence and the chosen head in the page's address, so that a link to the page can hold them.

import { html } from "../../widgets/js/dom.js";

const SAYS = "#say=", HEAD = /&head=(\d+)\.(\d+)$/;
/** A head of the encoder; layer and head count from 0, in the address from 1. @typedef {{ layer: number, head: number }} Chosen */
/** The head that an address without one means. @type {Chosen} */
export const FIRST_HEAD = { layer: 1, head: 3 };

/** The sentence that the address holds, or "". */
export function sentenceInAddress() {
  if (!location.hash.startsWith(SAYS)) return "";
  try {
    return decodeURIComponent(location.hash.slice(SAYS.length).replace(HEAD, "")).replaceAll("-", " ");
  } catch {
    return ""; // a "%" that encodes nothing
  }
}

/** The head that the address holds, of those that an encoder has. @param {{ n_layer: number, n_head: number }} config @returns {Chosen} */
export function headInAddress({ n_layer, n_head }) {
  const [layer, head] = (HEAD.exec(location.hash) ?? []).slice(1).map(number => Number(number) - 1);
  return layer >= 0 && layer < n_layer && head >= 0 && head < n_head ? { layer, head } : FIRST_HEAD;
}

/** @param {Chosen & { text: string }} shown @param {boolean} [isStep] whether the browser's way back leads to the sentence before */
export function putInAddress({ text, layer, head }, isStep = false) {
  const isFirst = layer === FIRST_HEAD.layer && head === FIRST_HEAD.head;
  const address = SAYS + encodeURIComponent(text.replaceAll(" ", "-")) + (isFirst ? "" : `&head=${layer + 1}.${head + 1}`);
  if (isStep && location.hash !== address) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

/** A button that copies the address with the sentence. @param {() => void} put puts it there @param {(words: string | null) => void} say to those who hear the page */
export function linkButton(put, say) {
  const button = html("button", { type: "button", className: "quiet" }, "Copy a link to this sentence");
  button.onclick = async () => {
    put();
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
