// The French sentence with its pronoun, and how sure the network is of it.

import { html } from "../../widgets/js/dom.js";
import { frenchOf } from "./in_french.js";
import { bar } from "./paint.js";
import { chancesOf, joined, pronounStep, splitFrench } from "./view.js";

/** @import { View } from "./view.js" */

/** French words, the pronoun marked. @param {{ french: string[] }} run @param {string[]} [before] other words, those that were there before a change or that are right: what differs is marked */
export function frenchWords(run, before) {
  const at = pronounStep(run), words = run.french.filter(word => word !== "<end>");
  const nodes = words.map((word, k) => {
    const isNew = before !== undefined && before[k] !== word;
    const node = k === at ? html("em", { className: "pronoun" }, word) : html("span", {}, word);
    if (isNew) node.classList.add("new");
    return node;
  });
  if (!words.length) nodes.push(html("span", { className: "faint", lang: "en" }, "(no words)"));
  if (!run.french.includes("<end>")) nodes.push(html("span", {}, "…"));
  return nodes.flatMap((node, k) => (k && !words[k - 1]?.endsWith("'") ? [" ", node] : [node]));
}

/** @param {HTMLElement} node @param {HTMLElement} chances */
export function french(node, chances) {
  let said = "";
  return {
    /** @param {View} view */
    show(view) {
      const { run } = view, step = pronounStep(run), now = joined(run.french);
      if (now !== said) node.replaceChildren(...frenchWords(run, view.choice ? splitFrench(frenchOf(view.lexicon, view.choice)) : undefined)); // what is wrong is marked
      said = now;
      chances.hidden = step < 0;
      if (step < 0) return;
      chances.replaceChildren(...["il", "elle"].map((word, k) =>
        html("span", { className: `chance${run.french[step] === word ? " chosen" : ""}` }, html("span", { lang: "fr" }, word), bar(chancesOf(view, step)[k]))));
    },
  };
}
