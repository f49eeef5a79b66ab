// On a page without Python, the network that the page carries scores the next word.

import { assign } from "../js/lifecycle.js";
import { toBase64 } from "../js/numbers.js";
import { logitsAfter } from "../network/go_on.js";
import { networkNamed, warmUp } from "../network/on_page.js";

/** @import { Model } from "../js/lifecycle.js" */
/** @import { State } from "./state.js" */

/** Score the next word whenever one is drawn. @param {Model<State>} model */
export function scoreOnPage(model) {
  model.on("change:drawn", () => {
    const after = model.get("drawn");
    try {
      const logits = logitsAfter(networkNamed(model.get("network") ?? ""), [...(model.get("prompt_ids") ?? []), ...after]);
      assign(model, { scores: { after, numbers: toBase64(Float32Array.from(logits).buffer) } });
    } catch (problem) {
      assign(model, { scores: { after, error: problem instanceof Error ? problem.message : String(problem) } });
    }
  });
  warmUp(model.get("network") ?? "", network => logitsAfter(network, model.get("prompt_ids") ?? []));
}
