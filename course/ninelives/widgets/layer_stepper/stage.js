// The sentence and the stations; the keys that go through them.

import { html } from "../js/dom.js";
import { onKeys } from "../js/keys.js";
import { visible } from "../js/labels.js";
import { two } from "../js/numbers.js";
import { likelyWords } from "./in_words.js";

/** @import { State } from "./way.js" */

/**
 * @param {State} state
 * @param {(station: number) => void} goTo both clamp what they are given
 * @param {(token: number) => void} choose
 * @param {() => State} read
 */
export function stage({ words, stations }, goTo, choose, read) {
  const tiles = words.map((name, i) => html("span", { className: "nl-step-word", onclick: () => choose(i) }, visible(name)));
  const stops = stations.map((name, s) => {
    const word = html("span", { className: "nl-station-word" }), share = html("span", { className: "nl-station-share" });
    const title = html("span", { className: "nl-station-name" }, name);
    const node = html("div", { className: "nl-station", onclick: () => goTo(s) }, title, word, share);
    return { node, word, share };
  });
  const node = html("div", {
    className: "nl-stage", tabIndex: 0, role: "application", "aria-roledescription": "layer stepper",
    "aria-label": "The sentence and its way through the layers. " +
      "Left and right go from station to station, up and down from word to word.",
  },
    html("div", { className: "nl-step-words" }, ...tiles),
    html("div", { className: "nl-stations" }, ...stops.map(({ node }) => node)));
  const keys = {
    ArrowRight: () => goTo(read().station + 1), ArrowLeft: () => goTo(read().station - 1),
    Home: () => goTo(0), End: () => goTo(stations.length - 1),
    ArrowDown: () => choose(read().token + 1), ArrowUp: () => choose(read().token - 1),
  };
  onKeys(node, keys);
  return {
    node, keys,
    show(/** @type {State} */ state) {
      tiles.forEach((tile, k) => { tile.classList.toggle("nl-here", k === state.token); });
      stops.forEach(({ node, word, share }, k) => {
        const [best, value] = likelyWords(state, k)[0];
        node.classList.toggle("nl-here", k === state.station);
        word.textContent = visible(best);
        share.textContent = two(value);
      });
    },
  };
}
