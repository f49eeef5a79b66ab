import assert from "node:assert/strict";
import { test } from "node:test";
import { byScore, probabilities } from "../../../course/ninelives/widgets/js/sampling.js";
import { erf } from "../../../course/ninelives/widgets/network/arithmetic.js";
import { logitsAfter } from "../../../course/ninelives/widgets/network/go_on.js";
import { likeliestOf, square, translation } from "../../../course/ninelives/widgets/network/translate.js";
import { fromHalf, networkOf } from "../../../course/ninelives/widgets/network/unpack.js";
import { encoded } from "../../../course/ninelives/widgets/network/words.js";
import { cases } from "../cases.js";

const wanted = /** @type {any} */ (cases("network")), network = networkOf(wanted.translator), TEXT = "The cat the dog.";

/** @param {ArrayLike<number>} found @param {number[]} numbers */
function close(found, numbers) {
  assert.equal(found.length, numbers.length);
  numbers.forEach((number, k) => { assert.ok(Math.abs(found[k] - number) < 1e-4, `${found[k]} is not ${number}`); });
}

test("a translation and its logits are PyTorch's, unchanged and after each change", () => {
  for (const { options: { hidden = [], ...options }, ids, text, logits } of wanted.runs) {
    const run = translation(network, TEXT, { ...options, share: word => (hidden.includes(word) ? 0 : 1) });
    assert.deepEqual(run.steps.map(({ id }) => id), ids);
    assert.equal(run.text, text);
    run.steps.forEach((step, t) => { close(step.logits, logits[t]); });
  }
});

test("the attention of every head is PyTorch's, and a translation has it for each row", () => {
  const { encoder, decoder, steps } = translation(network, TEXT);
  encoder.layers[1].weights.forEach((rows, head) => { rows.forEach((row, r) => { close(row, wanted.attention[head][r]); }); });
  assert.deepEqual(decoder.layers[0].weights[1].map(row => row.length), [4, 4, 4, 4, ...steps.slice(1).map((_, t) => 5 + t)]);
  assert.deepEqual(square(decoder.layers[0].weights[1].slice(0, 1), 6, 0)[0].slice(4), Float64Array.of(0, 0));
});

test("a decoder alone goes on after the last words that it can read", () => {
  const logits = logitsAfter(networkOf(wanted.decoder), wanted.prompt), order = byScore(logits);
  close(logits, wanted.after);
  close(probabilities({ logits, order }, { temperature: 0.7, topK: 5, topP: 0.9 }), wanted.sampled);
});

test("words are written whatever their probability, and drawn by the random number", () => {
  const [{ id }] = translation(network, TEXT).steps, other = (id + 1) % network.words.length || 1;
  assert.equal(translation(network, TEXT, { forced: [other] }).steps[0].id, other);
  const [first, second] = likeliestOf(network, translation(network, TEXT).steps[0], 2);
  assert.equal(first.id, id);
  const random = () => first.p + second.p / 2;
  assert.equal(translation(network, TEXT, { temperature: 1, random }).steps[0].id, second.id);
  assert.equal(translation(network, TEXT, { temperature: 1, topK: 1, random }).steps[0].id, id);
  assert.equal(translation(network, TEXT, { most: 2 }).steps.length, 2);
});

test("heads that are patched in from the sentence itself change nothing, and from another one what they say", () => {
  const here = translation(network, TEXT), there = translation(network, "the dog the cat"), patched = [0, 1, 2, 3];
  close(translation(network, TEXT, { patched, other: here }).steps[0].logits, [...here.steps[0].logits]);
  const { encoder } = translation(network, TEXT, { patched, other: there });
  close(encoder.layers[1].heads[1][2], [...there.encoder.layers[1].heads[1][2]]);
});

test("a sentence that cannot be read is refused in one sentence", () => {
  const says = (/** @type {string} */ message) => new Error(message);
  for (const [word, message] of Object.entries(wanted.nearest)) assert.throws(() => encoded(network, word), says(message));
  assert.throws(() => encoded(network, " . "), says("There is no sentence: type one."));
  assert.throws(() => encoded(network, "the cat ".repeat(4)), says("The sentence has 8 words and the model reads at most 7: shorten it."));
  assert.throws(() => encoded(network, "the <end>"), /“<end>” is not among the 4 known words/);
  assert.throws(() => translation(networkOf(wanted.decoder), "the cat"), says("This network has no encoder, so it does not translate."));
  assert.throws(() => networkOf({ ...wanted.translator, tensors: [] }), /The weights on this page are not complete/);
});

test("halves and the error function are exact", () => {
  assert.deepEqual([0x3c00, 0xc000, 0x0001, 0x8000, 0x7bff, 0x3555].map(fromHalf), [1, -2, 2 ** -24, -0, 65504, 0.333251953125]);
  close([0, 0.5, -1, 3].map(erf), [0, 0.5204998778, -0.8427007929, 0.9999779095]);
});
