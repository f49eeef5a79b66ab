// The attention explorer, drawn in the browser.

import { connect, onChange, oncePerFrame } from "../js/lifecycle.js";
import { CHANGING, explorer } from "./explorer.js";
import { receive } from "./saving.js";

/** @import { RenderContext } from "../js/lifecycle.js" */
/** @import { State } from "./part.js" */
/** @import { Answer } from "./on_demand.js" */
/** @import { FileMessage } from "./saving.js" */

const BUILT = ["data", "part", "first", "model", "groups"]; // traits with which everything is built again

/** @param {RenderContext<State>} context */
function render({ model, el }) {
  const redraw = oncePerFrame(() => shown.draw());
  let shown = explorer(model, el, redraw);
  const rebuild = oncePerFrame(() => {
    const focused = el.contains(document.activeElement) ? document.activeElement : null, name = focused?.getAttribute("aria-label");
    shown.stop();
    shown = explorer(model, el, redraw, shown.kept());
    // The name of the heatmap says what it shows, which may be something else now.
    const again = focused?.classList.contains("nl-heat") ? ".nl-heat" : name ? `[aria-label="${CSS.escape(name)}"]` : null;
    if (again) /** @type {HTMLElement | null} */ (el.querySelector(again))?.focus();
  });
  const sizeWatch = new ResizeObserver(redraw);
  sizeWatch.observe(el);
  const onMessage = (/** @type {FileMessage & Answer & { says: string }} */ message, /** @type {DataView[]} */ buffers) => {
    if (message.kind === "refusal") shown.refuse(message.says);
    else if (message.kind === "file") receive(message, buffers, shown.state());
    else shown.receive(message, buffers);
  };
  const listeners = { ...onChange(CHANGING, redraw), ...onChange(BUILT, rebuild), "msg:custom": onMessage };
  return connect({ model, el }, listeners, () => sizeWatch.disconnect(), () => shown.stop());
}

export default { render };
