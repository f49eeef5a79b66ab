// What is asked of Python when it is looked at, where all heads at once would be too much for the browser.

import { numbersOf } from "./part.js";
import { rowNumbers } from "./why.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { Attention, Numbers, State } from "./part.js" */

const KEPT = 16e6; // bytes of maps; the oldest goes first

/** @typedef {{ kind: string, part: string, k: number }} Answer it has the question, too */

/** @param {Model<State>} model @param {Attention} attention @param {() => void} arrived */
export function onDemand(model, attention, arrived) {
  const { maps, T, S, name: part, kind } = attention, most = Math.max(2, Math.floor(KEPT / (2 * T * S)));
  const { why } = attention, sizes = { d: why?.channels.length ?? 0, T, S, bias: why?.bias ?? false };
  const whole = why?.numbers ? /** @type {Float32Array} */ (numbersOf(why.numbers, "signed")) : null;
  /** @type {Map<string, Numbers | null>} null: asked for */
  const answers = new Map();
  const keyOf = (/** @type {object} */ question) => JSON.stringify(Object.entries(question).filter(([name]) => name !== "kind").sort());

  /** The answer to a question; null until it is here. @param {object} question */
  function ask(question) {
    const whole = { ...question, part }, key = keyOf(whole);
    if (!answers.has(key)) {
      answers.set(key, null);
      model.send?.(whole);
    }
    return answers.get(key) ?? null;
  }

  return {
    /** Whether a map is here; it is asked for if not. @param {number} k */
    has(k) {
      if (!maps.has(k)) ask({ ask: "map", k });
      return maps.has(k);
    },
    /** Blocks of the heads of a layer. @param {number} layer @param {number[]} hidden */
    thumbs: (layer, hidden) => ask({ ask: "thumbs", layer, hidden }),
    /** The query of a row and all keys of a head; null while they are on their way, "none" where there are none. @param {number} layer @param {number} head @param {number} from */
    why(layer, head, from) {
      if (whole) return rowNumbers(whole, sizes, layer * attention.H + head, from);
      if (!model.send) return "none";
      const answer = ask({ ask: "why", layer, head, from });
      return answer && rowNumbers(/** @type {Float32Array} */ (answer), sizes, null, 0);
    },
    /** The weight of a link in each head. @param {number} from @param {number} to @param {number[]} hidden */
    link: (from, to, hidden) => ask({ ask: "link", from, to, hidden }),
    /** The share of each head in the rollout of a link, then the rollout itself. @param {number} from @param {number} to */
    shares: (from, to) => ask({ ask: "shares", from, to }),
    /** @param {Answer} answer @param {DataView[]} buffers */
    receive(answer, buffers) {
      if (answer.part !== part || !buffers.length) return;
      const numbers = numbersOf(buffers[0], answer.kind === "why" ? "signed" : kind), key = keyOf(answer);
      if (answer.kind === "map") {
        answers.delete(key);
        maps.set(answer.k, numbers);
        if (maps.size > most) maps.delete(/** @type {number} */ (maps.keys().next().value));
      } else {
        answers.set(key, numbers);
      }
      arrived();
    },
  };
}

/** @typedef {ReturnType<typeof onDemand>} OnDemand */
