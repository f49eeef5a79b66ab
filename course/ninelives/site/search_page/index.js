// The page of the search: what is typed is looked for at once, and stays in the address.
/** @import { Found, Page, Results, Section } from "./find.js" */

import { html } from "../../widgets/js/dom.js";
import { finder } from "./find.js";

const page = /** @type {{ nineLivesSections: Section[], MiniSearch: typeof import("minisearch").default }} */ (/** @type {unknown} */ (globalThis));
const here = /** @type {HTMLScriptElement} */ (document.currentScript);
const input = /** @type {HTMLInputElement} */ (document.querySelector(".bd-search-container input[name=q]"));
const place = /** @type {HTMLElement} */ (document.getElementById("search-results"));
const status = html("p", { role: "status", className: "nl-status" });
const list = html("div", {});

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

/** @param {ReturnType<typeof finder>} find */
function show(find) {
  const query = input.value.trim();
  const found = find(query);
  status.textContent = said(query, found);
  list.replaceChildren(...found.pages.map(drawnPage));
}

function start() {
  const find = finder(page.MiniSearch, page.nineLivesSections);
  input.addEventListener("input", () => {
    show(find);
    const query = input.value.trim();
    history.replaceState(null, "", query ? `?${new URLSearchParams({ q: query })}` : location.pathname);
  });
  show(find);
}

input.value = new URLSearchParams(location.search).get("q") ?? "";
place.replaceChildren(status, list);
// What the pages say, 0.8 MB, comes after the page.
document.head.append(html("script", { src: String(new URL("sections.js", here.src)), onload: start }));
