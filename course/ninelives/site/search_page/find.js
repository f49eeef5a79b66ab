/**
 * Looks through what the pages say. Pure: no document.
 *
 * @typedef {[page: string, place: string, heading: string, text: string]} Section
 * @typedef {{ heading: string, address: string, excerpt: [words: string, found: boolean][] }} Found
 * @typedef {{ title: string, address: string, found: Found[], more: number }} Page
 * @typedef {{ how: "all" | "near" | "some", sections: number, pages: Page[], words: string[] }} Results
 */

const WORD = /[\p{L}\p{N}_]+/gu;
const MOST_PAGES = 20;
const MOST_IN_A_PAGE = 3;
const EXCERPT = 200; // letters
/** What most readers look for comes first: lessons, and the package's reference last. @type {[RegExp, number][]} */
const WEIGHTS = [[/^notebooks\//, 2], [/^labs\//, 1.6], [/^api\//, 0.05], [/^docs\/(changelog|decisions)/, 0.3], [/./, 0.6]];
const EXACTLY = 50; // the entry of the reference whose name was typed, unless that is a word of a lesson's heading, as "mask" is

/** A word as it is looked for: "Heads" is "head", "rassasié" is "rassasie". @param {string} word */
export function plain(word) {
  const bare = word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return bare.length > 3 && bare.endsWith("s") && !bare.endsWith("ss") ? bare.slice(0, -1) : bare;
}

/** The words of a text; a name such as attention_mask is one, and so is each of its parts. @param {string} text */
function wordsAndParts(text) {
  return (text.match(WORD) ?? []).flatMap((word) => (word.includes("_") ? [word, ...word.split("_").filter(Boolean)] : [word]));
}

/**
 * A function that finds sections by words: those with all of them, else those with words like them, else those with some.
 *
 * @param {typeof import("minisearch").default} MiniSearch
 * @param {Section[]} sections
 * @returns {(query: string) => Results}
 */
export function finder(MiniSearch, sections) {
  const titles = new Map();
  for (const [page, , heading] of sections) if (!titles.has(page)) titles.set(page, heading);
  const index = new MiniSearch({ fields: ["heading", "text"], tokenize: wordsAndParts, processTerm: plain });
  index.addAll(sections.map(([, , heading, text], id) => ({ id, heading, text })));
  const taught = new Set(sections.filter(([page]) => /^(notebooks|labs)\//.test(page)).flatMap(([, , heading]) => wordsAndParts(heading).map(plain)));
  /** @param {Section} section @param {string} query */
  const weight = ([page, , heading], query) =>
    page.startsWith("api/") && `.${heading}`.endsWith(`.${query}`) && !taught.has(query) ? EXACTLY : WEIGHTS.find(([pages]) => pages.test(page))?.[1] ?? 1;
  const always = {
    boost: { heading: 4 },
    /** @type {"AND"} */
    combineWith: "AND",
    prefix: (/** @type {string} */ term) => term.length > 2,
    tokenize: (/** @type {string} */ text) => text.match(WORD) ?? [],
  };

  return (query) => {
    const options = { ...always, boostDocument: (/** @type {number} */ id) => weight(sections[id], query) };
    let how = /** @type {Results["how"]} */ ("all");
    let hits = index.search(query, options);
    if (!hits.length) {
      how = "near";
      hits = index.search(query, { ...options, fuzzy: (term) => (term.length > 3 ? 0.25 : false) });
    }
    if (!hits.length) {
      how = "some";
      hits = index.search(query, { ...options, combineWith: "OR" });
    }
    /** @type {Map<string, Page>} */
    const pages = new Map();
    for (const { id, terms } of hits) {
      const [page, place, heading, text] = sections[id];
      if (!pages.has(page)) pages.set(page, { title: titles.get(page), address: page, found: [], more: 0 });
      const entry = /** @type {Page} */ (pages.get(page));
      if (entry.found.length === MOST_IN_A_PAGE) entry.more += 1;
      else entry.found.push({ heading, address: `${page}#${place}`, excerpt: excerpt(text, new Set(terms)) });
    }
    const words = [...new Set(hits.flatMap(({ terms }) => terms))].slice(0, 5);
    return { how, sections: hits.length, pages: [...pages.values()].slice(0, MOST_PAGES), words };
  };
}

/**
 * The part of a text that has most of the words, cut into what was found and what stands between.
 *
 * @param {string} text
 * @param {Set<string>} terms as `plain` writes them
 * @returns {[words: string, found: boolean][]}
 */
export function excerpt(text, terms) {
  const found = [...text.matchAll(WORD)].filter(([word]) => [word, ...word.split("_")].some((part) => terms.has(plain(part))));
  const within = (/** @type {number} */ start) => new Set(found.filter(({ index }) => index >= start && index < start + EXCERPT).map(([word]) => plain(word))).size;
  let best = 0;
  for (const { index } of found) if (within(index) > within(best)) best = index;
  const begin = best < EXCERPT / 3 ? 0 : text.lastIndexOf(" ", best - EXCERPT / 4) + 1;
  const last = text.indexOf(" ", begin + EXCERPT);
  const end = last < 0 ? text.length : last;
  /** @type {[string, boolean][]} */
  const parts = [];
  let at = begin;
  for (const { index, 0: word } of found) {
    if (index < at || index + word.length > end) continue;
    parts.push([text.slice(at, index), false], [word, true]);
    at = index + word.length;
  }
  parts.push([text.slice(at, end), false]);
  if (begin > 0) parts.unshift(["… ", false]);
  if (end < text.length) parts.push([" …", false]);
  return parts.filter(([words]) => words);
}
