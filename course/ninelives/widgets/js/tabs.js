import { html } from "./dom.js";
import { roving } from "./keys.js";

/**
 * @typedef {object} Panel
 * @property {string} name its class is nl-panel-<name>
 * @property {string} title
 * @property {HTMLElement} body
 * @property {() => void} fill brings the body up to date; called while the panel is open
 */

/**
 * Panels of which one is open, and their tabs. `fill` brings the open one up to date.
 * @param {string} label
 * @param {Panel[]} panels
 * @param {string} [first] the name of the one that is open at first
 */
export function tabbed(label, panels, first) {
  let open = panels.find(({ name }) => name === first) ?? panels[0];
  const tabs = panels.map(panel => html("button", { type: "button", role: "tab", onclick: () => choose(panel) }, panel.title));
  const list = html("div", { className: "nl-tabs", role: "tablist", "aria-label": label }, ...tabs);
  roving(list, tabs, 1, k => choose(panels[k]));
  for (const { name, title, body } of panels) {
    body.className = `nl-panel nl-panel-${name}`;
    body.setAttribute("role", "tabpanel");
    body.setAttribute("aria-label", title);
  }
  const mark = () => panels.forEach((panel, k) => {
    tabs[k].setAttribute("aria-selected", String(panel === open));
    tabs[k].tabIndex = panel === open ? 0 : -1;
    panel.body.hidden = panel !== open;
  });
  function choose(/** @type {Panel} */ panel) {
    open = panel;
    mark();
    open.fill();
  }
  /** @param {string} name */
  function openByName(name) {
    choose(panels.find(panel => panel.name === name) ?? open);
  }
  mark();
  return { nodes: [list, ...panels.map(({ body }) => body)], fill: () => open.fill(), opened: () => open.name, open: openByName };
}
