// Keys.

/**
 * Run the action of a key. Keys with Ctrl, Meta or Alt are left to the page.
 * @param {HTMLElement} node
 * @param {Record<string, (event: KeyboardEvent) => void>} actions by the name of the key
 */
export function onKeys(node, actions) {
  node.addEventListener("keydown", event => {
    const action = Object.hasOwn(actions, event.key) && actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action(event);
  });
}

/**
 * One tab stop for a group of buttons; the arrow keys move inside it.
 * @param {HTMLElement} group
 * @param {HTMLElement[]} buttons
 * @param {number} perLine how far ArrowUp and ArrowDown go
 * @param {(to: number) => void} [chosen]
 */
export function roving(group, buttons, perLine, chosen) {
  const move = (/** @type {(at: number) => number} */ where) => (/** @type {KeyboardEvent} */ event) => {
    const at = buttons.indexOf(/** @type {HTMLElement} */ (event.target)), to = where(at);
    if (at < 0 || to < 0 || to >= buttons.length) return;
    for (const button of buttons) button.tabIndex = -1;
    buttons[to].tabIndex = 0;
    buttons[to].focus();
    chosen?.(to);
  };
  onKeys(group, {
    ArrowRight: move(at => at + 1),
    ArrowLeft: move(at => at - 1),
    ArrowDown: move(at => at + perLine),
    ArrowUp: move(at => at - perLine),
    Home: move(() => 0),
    End: move(() => buttons.length - 1),
  });
}
