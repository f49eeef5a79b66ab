import { html } from "./dom.js";

/** A region that is not seen but spoken by screen readers. */
export function announcer() {
  const node = html("div", { className: "nl-unseen", role: "status", "aria-live": "polite" });
  let said = "", timer = 0;
  return {
    node,
    /**
     * Say the words a moment after the last call, and only if they are new.
     * @param {() => string | null} words asked when the moment has come; null: nothing to say
     * @param {number} [wait] in ms
     */
    say(words, wait = 250) {
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        const now = words();
        if (now === null || now === said) return;
        said = now;
        node.textContent = now;
      }, wait);
    },
    stop: () => clearTimeout(timer),
  };
}
