import { html } from "./dom.js";

/** @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const link = html("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** A menu of what can be saved. @param {Record<string, () => void>} items by their labels */
export function saveMenu(items) {
  const summary = html("summary", {}, "Save");
  const buttons = Object.entries(items).map(([label, save]) =>
    html("button", { type: "button", onclick: () => { close(); save(); } }, label));
  const node = html("details", { className: "nl-menu" }, summary, html("div", { className: "nl-items" }, ...buttons));
  const close = () => {
    node.open = false;
    summary.focus();
  };
  node.addEventListener("keydown", event => { if (event.key === "Escape") close(); });
  node.addEventListener("focusout", event => {
    if (!(event.relatedTarget instanceof Node && node.contains(event.relatedTarget))) node.open = false;
  });
  return node;
}
