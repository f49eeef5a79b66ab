// A lab on a page of its own.

/** @import { Model } from "./lifecycle.js" */

/**
 * Draw a lab whose state is written on the page and for which no Python answers.
 * @template {Record<string, unknown>} State
 * @param {(context: { model: Model<State>, el: HTMLElement }) => unknown} render
 * @param {HTMLElement} el
 * @param {State} state
 */
export function mount(render, el, state) {
  /** @type {Map<string, Set<(message: any) => void>>} */
  const listeners = new Map();
  render({
    el,
    model: {
      get: name => state[name],
      set(name, value) {
        if (state[name] === value) return;
        state[name] = value;
        for (const listener of listeners.get(`change:${String(name)}`) ?? []) listener(undefined);
      },
      save_changes() {},
      on: (event, listener) => listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)),
      off: (event, listener) => listeners.get(event)?.delete(listener),
    },
  });
}
