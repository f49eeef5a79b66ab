// What surrounds every lab: its frame, its keys, when it is drawn, and what is undone when it is removed.

import { watchTheme } from "./theme.js";

/**
 * What a lab knows of Python: anywidget's model, or the one that `mount` makes on an exported page.
 * `State` has the traits of the Python class that are synced.
 * @template State
 * @typedef {object} Model
 * @property {<Name extends keyof State>(name: Name) => State[Name]} get
 * @property {<Name extends keyof State>(name: Name, value: State[Name]) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, listener: (message: any, buffers?: any) => void) => void} on
 * @property {(event: string, listener: (message: any, buffers?: any) => void) => void} off
 * @property {(message: object) => void} [send] missing on an exported page
 * @property {unknown} [widget_manager] missing on an exported page
 */

/**
 * @template State
 * @typedef {{ model: Model<State>, el: HTMLElement }} RenderContext
 */

/**
 * Set traits and tell Python.
 * @template State
 * @param {Model<State>} model
 * @param {Partial<State>} values
 */
export function assign(model, values) {
  for (const name of /** @type {(keyof State)[]} */ (Object.keys(values))) {
    model.set(name, /** @type {State[keyof State]} */ (values[name]));
  }
  model.save_changes();
}

/**
 * The present values of traits.
 * @template State
 * @param {Model<State>} model
 * @param {readonly (keyof State)[]} names
 */
export const snapshot = (model, names) =>
  /** @type {State} */ (Object.fromEntries(names.map(name => [name, model.get(name)])));

/**
 * Make `el` the frame of a lab, named for screen readers, with its colours.
 * @param {HTMLElement} el
 * @param {string} className
 * @param {string} label
 * @param {Record<string, unknown>} colours those that are text become CSS variables
 */
export function frame(el, className, label, colours) {
  el.classList.add("nl-explorer", className);
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", label);
  for (const [name, colour] of Object.entries(colours)) {
    if (typeof colour === "string") el.style.setProperty(`--nl-${name}`, colour);
  }
}

/** However often it is called, `draw` runs once, with the next frame. @param {() => void} draw */
export function oncePerFrame(draw) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      draw();
    });
  };
}

/**
 * Listen to the model, keep keys from JupyterLab and follow the theme, until the returned function is called.
 * @template State
 * @param {RenderContext<State>} context
 * @param {Record<string, (message: any, buffers?: any) => void>} listeners by event
 * @param {...(() => void)} stops what else to undo when the lab is removed
 */
export function connect({ model, el }, listeners, ...stops) {
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
  el.addEventListener("keydown", keepKeys);
  const forgetTheme = watchTheme(el);
  return () => {
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
    el.removeEventListener("keydown", keepKeys);
    forgetTheme();
    for (const stop of stops) stop();
  };
}

/** One listener for the changes of many traits. @param {readonly string[]} names @param {() => void} listener */
export const onChange = (names, listener) => Object.fromEntries(names.map(name => [`change:${name}`, listener]));

// JupyterLab would take plain keys for commands of the notebook. Ctrl+S and Shift+Enter stay JupyterLab's.
function keepKeys(/** @type {KeyboardEvent} */ event) {
  if (event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter")) return;
  event.stopPropagation();
}
