import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { changed, meaningOf, parsed, reasonsFor, textOf, withOtherGender, withoutSecondAnimal, withSecondAnimal } from "../../../course/ninelives/site/front/grammar.js";
import { frenchOf, inEnglish } from "../../../course/ninelives/site/front/in_french.js";
import { surprises } from "../../../course/ninelives/site/front/surprise.js";

const { lexicon, sentences } = JSON.parse(readFileSync(new URL("../cases/front_page.json", import.meta.url), "utf8"));
const read = (/** @type {string} */ text) => {
  const choice = parsed(lexicon, text);
  assert.ok(choice, text);
  return choice;
};

test("a sentence of the grammar is read as Python reads it, and written again", () => {
  for (const [english, noun, other, pronoun, french] of sentences) {
    const choice = read(english);
    assert.equal(textOf(lexicon, choice), english);
    const meaning = meaningOf(lexicon, choice), gender = lexicon.animals[other] ?? lexicon.dishes[other]?.gender;
    assert.deepEqual(meaning, { noun, other, pronoun, otherPronoun: gender ? (gender === "m" ? "il" : "elle") : "" });
    assert.equal(frenchOf(lexicon, choice), french);
  }
});

test("French of the grammar is read back, whatever its pronoun, and no other French", () => {
  for (const [english, , , , french] of sentences) {
    assert.equal(inEnglish(lexicon, french), english);
    assert.equal(inEnglish(lexicon, frenchOf(lexicon, read(english), french.includes("'il ") ? "elle" : "il")), english);
  }
  for (const text of ["", "le chat", "le lion a appelé la par le chat parce qu'il était courageux", "le chat a suivi parce qu'il était perdu", "la chat a suivi le chien parce qu'il était perdu"]) {
    assert.equal(inEnglish(lexicon, text), "", text);
  }
});

test("any other sentence is not read", () => {
  for (const text of ["", "the cat was full", "the cat did not want to eat because it was lost", "the cat followed the cat because it was lost"]) {
    assert.equal(parsed(lexicon, text), null, text);
  }
});

test("a change takes along what no longer fits", () => {
  const eats = read("the cat did not want to eat the apple because it was rotten");
  assert.equal(textOf(lexicon, changed(lexicon, eats, "dish", "")), "the cat did not want to eat because it was full");
  assert.equal(changed(lexicon, eats, "verb", "sing").dish, "");
  for (const first of ["cat", "cow"]) { // the second animal is of the other gender
    const met = meaningOf(lexicon, withSecondAnimal(lexicon, { ...eats, first, second: first === "cat" ? "dog" : "hen" }));
    assert.notEqual(met.pronoun, met.otherPronoun);
  }
  const follows = read("the dog followed the hen because it was lost");
  assert.equal(textOf(lexicon, changed(lexicon, follows, "first", "hen")), "the hen followed the dog because it was lost");
  for (const verb of [...Object.keys(lexicon.verbs), ...Object.keys(lexicon.wishes)]) {
    const next = changed(lexicon, follows, "verb", verb);
    assert.ok(reasonsFor(lexicon, next).includes(next.reason), verb);
  }
});

test("the twin of a sentence is about a noun of the other gender, at the same position", () => {
  for (const [english, , , pronoun] of sentences) {
    const twin = withOtherGender(lexicon, read(english));
    assert.equal(twin === null, english.endsWith("mouldy"), english); // of the dishes only two masculine ones are
    if (!twin) continue;
    const now = meaningOf(lexicon, twin);
    assert.notEqual(now.pronoun, pronoun);
    assert.equal(textOf(lexicon, twin).split(" ").indexOf("it"), english.split(" ").indexOf("it"));
  }
});

test("a second animal that leaves takes nothing along", () => {
  for (const text of ["the wolf did not want to eat because it was sick", "the cow did not want to eat the apple because it was bitter", "the dog did not want to sleep because it was hungry"]) {
    const alone = read(text);
    assert.equal(textOf(lexicon, withoutSecondAnimal(lexicon, withSecondAnimal(lexicon, alone), alone)), text);
  }
  const hungry = withSecondAnimal(lexicon, read("the dog did not want to sleep because it was hungry"));
  assert.equal(textOf(lexicon, hungry), "the dog followed the hen because it was hungry"); // the reason stays where it can
  assert.equal(textOf(lexicon, withoutSecondAnimal(lexicon, hungry, null)), "the dog did not want to eat because it was full");
});

test("a surprise is never the sentence that is shown, and every third is about a dish", () => {
  const surprise = surprises(lexicon, ["a", "b"], ["c", "d"]);
  assert.equal(surprise("a"), "b");
  assert.ok(read(surprise("b")).dish);
  assert.equal(surprise("d"), "c");
  assert.equal(surprise("b"), "a");
});
