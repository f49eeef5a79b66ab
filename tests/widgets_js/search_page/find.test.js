import assert from "node:assert/strict";
import { test } from "node:test";
import MiniSearch from "minisearch";
import { excerpt, finder, plain } from "../../../course/ninelives/site/search_page/find.js";

/** @type {import("../../../course/ninelives/site/search_page/find.js").Section[]} */
const SECTIONS = [
  ["docs/changelog.html", "", "Changelog", "The softmax is faster. The mask of padding has a new name."],
  ["notebooks/02-attention.html", "", "2 · Attention", "Every word is a vector."],
  ["notebooks/02-attention.html", "softmax", "Mask and softmax", "Fill the scores where attention_mask is 0, and take the softmax of each row."],
  ["notebooks/07-encoder-decoder.html", "", "7 · Encoder–decoder", "Le chat ne voulait pas manger parce qu'il était rassasié."],
];
const find = finder(MiniSearch, SECTIONS);
const addresses = (/** @type {string} */ query) => find(query).pages.flatMap(({ found }) => found.map(({ address }) => address));

test("a heading counts more than a text, and a notebook more than the changelog", () => {
  assert.deepEqual(addresses("softmax"), ["notebooks/02-attention.html#softmax", "docs/changelog.html#"]);
});

test("lessons come before docs, docs before the reference, and a name of the reference alone comes first", () => {
  const search = finder(MiniSearch, [
    ["api/figures.html", "ninelives.figures.mask", "ninelives.figures.mask", "Draws a mask. The mask is a mask."],
    ["api/model.html", "ninelives.model.Mask", "ninelives.model.Mask", "A mask."],
    ["api/figures.html", "ninelives.figures.heatmap", "ninelives.figures.heatmap", "Draws weights."],
    ["docs/explorer.html", "", "The mask", "What a mask hides."],
    ["labs/causes.html", "", "Open the mask", "The mask of the lab, and a heatmap."],
    ["notebooks/02-attention.html", "", "Mask and softmax", "The mask, then heatmap and softmax."],
  ]);
  const pages = (/** @type {string} */ query) => search(query).pages.map(({ address }) => address.split("/")[0]);
  assert.deepEqual(pages("mask"), ["notebooks", "labs", "docs", "api", "api"]);
  for (const query of ["Mask", "heatmap", "figures.mask"]) assert.equal(pages(query)[0], "api", query);
});

test("a name is found whole and by its parts, a word by its beginning and in the plural", () => {
  for (const query of ["attention_mask", "atten", "row", "rows", "ATTENTION"]) assert.ok(addresses(query).includes("notebooks/02-attention.html#softmax"), query);
});

test("all words are wanted; then words like them; then some of them", () => {
  assert.deepEqual([find("mask softmax").how, find("mask softmax").sections], ["all", 2]);
  assert.deepEqual([find("sofmax").how, find("sofmax").words], ["near", ["softmax"]]);
  assert.deepEqual([find("rassasie").how, addresses("rassasie")], ["all", ["notebooks/07-encoder-decoder.html#"]]);
  assert.equal(find("vector of rassasié").how, "some");
  assert.deepEqual([find("").sections, find("xyzzyqq").sections], [0, 0]);
});

test("three sections of a page are shown, and the others counted", () => {
  const many = finder(MiniSearch, Array.from({ length: 5 }, (_, k) => ["labs/causes.html", `p${k}`, `Part ${k}`, "a head"]));
  const [page] = many("head").pages;
  assert.deepEqual([page.found.length, page.more, page.title], [3, 2, "Part 0"]);
});

test("an excerpt is the part with most of the words, cut at spaces", () => {
  const text = `mask ${"and so on ".repeat(40)}the softmax of a causal_mask is here ${"and so on ".repeat(40)}`;
  const parts = excerpt(text, new Set(["softmax", "mask"]));
  assert.deepEqual(parts.filter(([, found]) => found).map(([words]) => words), ["softmax", "causal_mask"]);
  assert.match(parts.map(([words]) => words).join(""), /^… so on|^… and|^… on/);
  assert.ok(parts.map(([words]) => words).join("").length < 300);
  assert.deepEqual(excerpt("No such word.", new Set(["softmax"])), [["No such word.", false]]);
});

test("a word is plain without its accents, capitals and plural", () => {
  assert.deepEqual(["Heads", "était", "loss", "gas"].map(plain), ["head", "etait", "loss", "gas"]);
});
