// The stations on the way of "it" through the encoder: words, positions, blocks.

import { html } from "../../widgets/js/dom.js";
import { argmax, decimals, two } from "../../widgets/js/numbers.js";
import { dot } from "../../widgets/network/arithmetic.js";
import { translation } from "../../widgets/network/translate.js";
import { textOf, withOtherGender } from "./grammar.js";
import { bar, largest, strip } from "./paint.js";

/** @import { Row } from "../../widgets/network/arithmetic.js" */
/** @import { View } from "./view.js" */

/** How long a vector is. @param {Row} x */
const lengthOf = x => Math.sqrt(dot(x, x));
/** @param {Row} x @param {Row} y */
const distance = (x, y) => lengthOf(x.map((value, j) => value - y[j]));

/** Each word, its id, and its vector. @param {HTMLElement} picture @param {HTMLElement} reading @param {View} view */
export function words(picture, reading, { run, it, network, colours }) {
  const { tokens } = run.encoder, end = largest(tokens), n = tokens[0].length, V = network.words.length, english = network.reads.filter(word => word !== "<end>").length;
  picture.replaceChildren(html("table", { className: "vectors" }, html("caption", {}, `Every word is looked up: a number, and ${n} numbers for it.`),
    html("tbody", {}, ...run.english.map((word, k) => html("tr", { className: k === it ? "it" : "" },
      html("th", { scope: "row" }, word), html("td", { className: "number" }, String(run.ids[k])), html("td", { className: "wide" }, strip(tokens[k], end, colours)))))));
  reading.textContent = `“${run.english[it]}” is number ${run.ids[it]} of ${V}: ${english} English words, ${V - english - 1} more for French, and “<end>”. Its vector begins ${[...tokens[it].slice(0, 3)].map(two).join(", ")}.`;
}

/** The vector of "it", the vector of its position, and their sum. @param {HTMLElement} picture @param {HTMLElement} reading @param {View} view */
export function positions(picture, reading, { run, it, colours }) {
  const { tokens, positions: places, layers } = run.encoder, first = layers[0].input, word = run.english[it];
  const rows = [[`“${word}”`, tokens[it]], [`+ position ${it}`, places[it]], ["= what is read", first[it]]];
  const end = largest(rows.map(([, row]) => /** @type {Row} */ (row)));
  picture.replaceChildren(html("table", { className: "vectors tall" }, html("caption", {}, "Positions count from 0."),
    html("tbody", {}, ...rows.map(([name, row]) => html("tr", {}, html("th", { scope: "row" }, /** @type {string} */ (name)),
      html("td", { className: "wide" }, strip(/** @type {Row} */ (row), end, colours)))))));
  const again = run.english.findIndex((other, k) => k > 0 && run.english.indexOf(other) < k), before = run.english.indexOf(run.english[again]);
  const [a, b] = [tokens[it][0], places[it][0]].map(x => Math.round(100 * x) / 100); // so that the sum is that of the numbers shown
  reading.textContent = again < 0 ? `The first number of “${word}” is ${two(a)}, that of position ${it} is ${two(b)}, and their sum, ${two(a + b)}, goes on.`
    : `“${run.english[again]}” occurs twice. Its two vectors are ${two(distance(tokens[before], tokens[again]))} apart before positions are added, and ${two(distance(first[before], first[again]))} after.`;
}

/** How the vector of "it" comes to depend on the animal. @param {HTMLElement} picture @param {HTMLElement} reading @param {View} view */
export function blocks(picture, reading, { run, it, lexicon, choice, network, colours }) {
  const layers = run.encoder.layers, stages = [layers[0].input, ...layers.map(layer => layer.output)].map(rows => rows[it]);
  const twin = choice && withOtherGender(lexicon, choice), end = largest(stages), word = `“${run.english[it]}”`;
  const other = twin && translation(network, textOf(lexicon, twin)).encoder.layers;
  const apart = other && [other[0].input, ...other.map(layer => layer.output)].map((rows, k) => distance(rows[it], stages[k]) / lengthOf(stages[k]));
  picture.replaceChildren(html("table", { className: "vectors tall" }, html("caption", {}, `The vector of ${word} on its way`, apart ? ", and its distance from that of the other sentence, divided by its length." : "."),
    html("tbody", {}, ...stages.map((row, k) => html("tr", {}, html("th", { scope: "row" }, k ? `after block ${k}` : "at the start"),
      html("td", { className: "wide" }, strip(row, end, colours)), html("td", { className: "share" }, ...(apart ? [bar(apart[k] / largest([apart]), two(apart[k]))] : [])))))));
  const { attention, mlp } = layers[1];
  const most = apart ? argmax(apart) : 0, n = layers.length;
  reading.textContent = twin && apart
    ? `Compare “${textOf(lexicon, twin)}”. At the start its “it” has the same vector. The two differ most after block ${most}: by ${two(apart[most])} times the length of yours${most < n ? `, and after block ${n} by ${two(apart[n])}` : ""}.`
    : `${choice ? `No dish of the other gender is ever ${choice.reason} here, so there is none to compare. ` : ""}In block 2, attention adds a vector of length ${decimals(lengthOf(attention[it]), 1)} to it, and the MLP one of length ${decimals(lengthOf(mlp[it]), 1)}.`;
}
