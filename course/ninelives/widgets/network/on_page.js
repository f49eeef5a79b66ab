// The network that a page carries for its labs. A script puts it there; see as_script in page_network.py.

import { networkOf } from "./unpack.js";

/** @import { Network, Packed } from "./unpack.js" */

/** @type {Map<string, Network>} */
const ready = new Map();

/**
 * The network of a name, which is made ready at the first call.
 * @param {string} name
 * @throws {Error} a sentence, while it is not on the page
 */
export function networkNamed(name) {
  const carried = /** @type {{ nineLivesNetworks?: Record<string, Packed> }} */ (globalThis).nineLivesNetworks?.[name];
  if (!carried) throw new Error("The weights of the model have not arrived on this page: wait a moment, or load it again.");
  const network = ready.get(name) ?? networkOf(carried);
  ready.set(name, network);
  return network;
}

/**
 * Use a network once when the page has nothing else to do, so that the first answer comes as fast as all others.
 * @param {string} name
 * @param {(network: Network) => void} use
 */
export function warmUp(name, use) {
  const run = () => {
    try {
      use(networkNamed(name));
    } catch {
      // Not there yet, or the text is refused: who asks is told why.
    }
  };
  if ("requestIdleCallback" in window) window.requestIdleCallback(run);
  else setTimeout(run, 200);
}
