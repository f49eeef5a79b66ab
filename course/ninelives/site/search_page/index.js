// The page of the search: what is typed is looked for at once, and stays in the address.
/** @import { Found, Page, Results, Section } from "./find.js" */

import { html } from "../../widgets/js/dom.js";
import { finder } from "./find.js";

const { nineLivesSections, MiniSearch } = /** @type {{ nineLivesSections: Section[], MiniSearch: typeof import("minisearch").default }} */ (
  /** @type {unknown} */ (globalThis)
);
const input = /** @type {HTMLInputElement} */ (document.querySelector(".bd-search-container input[name=q]"));
const place = /** @type {HTMLElement} */ (document.getElementById("search-results"));
const status = html("p", { role: "status", className: "nl-status" });
const list = html("div", {});
const find = finder(MiniSearch, nineLivesSections);

/** @param {Found} found */
function drawnFound({ heading, address, excerpt }) {
  const words = excerpt.map(([part, isFound]) => (isFound ? html("mark", { textContent: part }) : part));
  return html("li", {}, html("a", { href: address, textContent: heading }), html("p", {}, ...words));
}

/** @param {Page} page */
function drawnPage({ title, address, found, more }) {
  const rest = more ? [html("p", { className: "nl-more", textContent: `and ${more === 1 ? "1 more section" : `${more} more sections`} of this page` })] : [];
  return html("section", {}, html("h2", {}, html("a", { href: address, textContent: title })), html("ul", {}, ...found.map(drawnFound)), ...rest);
}

/** @param {string} query @param {Results} results */
function said(query, { how, sections, words }) {
  if (!query) return "Type a word of a notebook, a function or a setting.";
  if (!sections) return `No page has “${query}”. Try another word.`;
  if (how === "near") return `No section has “${query}”. The nearest words: ${words.join(", ")}.`;
  if (how === "some") return `No section has all of “${query}”. These have some of its words.`;
  return `“${query}” is in ${sections === 1 ? "1 section" : `${sections} sections`}.`;
}

function show() {
  const query = input.value.trim();
  const found = find(query);
  status.textContent = said(query, found);
  list.replaceChildren(...found.pages.map(drawnPage));
}

input.value = new URLSearchParams(location.search).get("q") ?? "";
input.addEventListener("input", () => {
  show();
  const query = input.value.trim();
  history.replaceState(null, "", query ? `?${new URLSearchParams({ q: query })}` : location.pathname);
});
place.replaceChildren(status, list);
show();
