"""The front page says what is computed, and the words of its menus are those of the course's grammar."""

import json
import os
import re

import nbformat
import pytest
import torch

from ninelives import weights
from ninelives.build import ROOT
from ninelives.site.address import SITE, binder, colab
from ninelives.site.front_page import (
    FRONT,
    SENTENCE,
    card_words,
    front_page,
    front_script,
    page_data,
    write_front_page,
    wrong_sentences,
)
from ninelives.text import sentences
from ninelives.text.grammar import FAMILIES, parse, training_pairs
from ninelives.text.lexicon import ANIMALS
from ninelives.widgets.inline import modules

CASES = ROOT / "tests" / "widgets_js" / "cases" / "front_page.json"


@pytest.fixture(scope="module")
def page():
    return front_page()


def test_the_still_words_are_those_of_the_translator(page):
    model, tokenizer = weights.load("translator")
    row = model.encoder.attentions(tokenizer.encode(SENTENCE)[None])[1][0, 3, SENTENCE.split().index("it")]  # (T)
    weight = f"{row[SENTENCE.split().index('cat')]:.2f}"
    assert f"“it” attends most to “cat”, with a weight of {weight}" in page
    assert f"weight of {weight}" in card_words()
    assert "qu'<em class=\"pronoun\">il</em> était rassasié" in page


def test_in_the_head_shown_first_it_attends_most_to_the_right_animal_in_each_sentence_to_guess(page):
    model, tokenizer = weights.load("translator")
    drawn = sentences("held out", 40)
    for sentence in drawn:
        row = model.encoder.attentions(tokenizer.encode(sentence.english)[None])[1][0, 3, sentence.english.split().index("it")]  # (T)
        assert sentence.english.split()[int(row.argmax())] == sentence.antecedent
    assert f"Layer 2, head 4 is shown first: in each of the {len(drawn)} sentences of “Guess first”" in page


def test_what_it_says_of_the_training_is_on_the_cards_of_the_weights(page):
    card, encoder = weights.card("translator"), weights.card("antecedent")
    figures = card["figures"]["float16"]
    share, unread = (figures[f"whole sentence right, {which} sentences"] for which in ("1,000 held-out", "400 bonus"))
    model, _ = weights.load("translator")
    unused = model.encoder.lm_head.weight.numel()  # the encoder predicts no word
    assert f"{card['parameters'] - unused:,} numbers decide" in page
    assert f"For {encoder['recipe']['max_iters']:,} steps the encoder alone was told" in page
    assert f"translate in {card['recipe']['max_iters']:,} more" in page
    assert f"{share:.1%}".replace("%", "%<span>of 1,000 sentences about two animals that never met in training are right") in page
    assert f"of 400 whose verb and reason it never read in the passive, {unread * 400:.0f} are" in page
    assert f"It mistranslates {1000 - share * 1000:.0f} of 1,000 sentences about animals that never met, and {400 - unread * 400:.0f} of 400" in page


def test_the_layers_that_it_calls_kept_are_those_of_the_encoder_that_was_told_the_noun():
    model, _ = weights.load("translator")
    told, _ = weights.load("antecedent")
    for mine, kept in zip(model.encoder.layers["blocks"][:2], told.layers["blocks"]):
        assert all(torch.equal(one, other) for one, other in zip(mine.parameters(), kept.parameters(), strict=True))


def test_the_sentences_it_is_said_to_get_wrong_are_as_many_as_the_card_says():
    figures = weights.card("translator")["figures"]["float16"]
    wrong = [parse(english) for english in wrong_sentences()]
    unread = [s for s in wrong if s.voice == "passive" and [s.verb, s.reason] in map(list, page_data()["lexicon"]["unread"])]
    assert len(unread) == round(400 - 400 * figures["whole sentence right, 400 bonus sentences"])
    assert len(wrong) - len(unread) == round(1000 - 1000 * figures["whole sentence right, 1,000 held-out sentences"])
    met = {frozenset((ANIMALS[a].english, ANIMALS[b].english)) for a, b in training_pairs()}
    assert not met & {frozenset((s.antecedent, s.other)) for s in wrong}  # the page says that they never met


def test_it_says_how_the_lab_counts_and_how_many_kinds_of_sentences_the_network_knows(page):
    assert "counts layers and heads from 0, as code does: layer 2, head 4 is layer 1, head 3 there" in page
    assert "layers and heads are counted from 0, as in code" in (ROOT / "course" / "labs" / "causes.py").read_text(encoding="utf-8")
    assert "It knows three kinds of sentences" in page and len(FAMILIES) == 3


def test_each_notebook_is_there_with_its_minutes_and_points_and_each_lab(page):
    plan = re.findall(r"^\| (\d) · (.+?) \| about (\d+) [^|]*\| (\d+) \|", (ROOT / "docs" / "teaching" / "plan.md").read_text(encoding="utf-8"), re.MULTILINE)
    said = re.findall(r'<span class="number">(\d)</span><strong>(.+?)</strong>.+<small>(\d+) minutes · (\d+) points</small>', page)
    assert said == [(number, title, minutes, points) for number, title, minutes, points in plan]
    assert {path.stem for path in ROOT.glob("release/labs/*.ipynb")} == set(re.findall(r'href="labs/(\w+)\.html">\w[^<]+</a>(?: ·|</p>)', page))


def anchors(path):
    """The anchors of a notebook's page: its headings, as the site names them."""
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")
    return {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_every_link_leads_to_a_heading_of_a_notebook_or_a_lab_a_page_of_docs_or_a_place_on_the_page(page):
    notebooks = {f"{folder}/{path.stem}.html": path for folder, where in (("notebooks", "release/[0-9]*"), ("labs", "release/labs")) for path in ROOT.glob(f"{where}/*.ipynb")}
    made = {*notebooks, "index.html", "contents.html", "search.html", *(f"docs/{path.stem}.html" for path in ROOT.glob("docs/*.md"))}
    made |= {f"#{name}" for name in re.findall(r'\bid="([\w-]+)"', page)}
    notebook = "01-embeddings"  # that of the first button
    assert re.search(r'<a class="button" href="notebooks/([\w-]+)\.html">Read notebook 1</a>', page)[1] == notebook
    assert binder(f"release/{notebook}/{notebook}.ipynb") in page and colab(f"notebooks/{notebook}.ipynb") in page
    for link in re.findall(r'href="([^"]+)"', page):
        where, _, anchor = link.partition("#")
        assert link.startswith(("https://", "data:")) or link in made or anchor in anchors(notebooks[where]), link


def test_the_page_of_the_server_for_an_address_that_does_not_exist_leads_back(tmp_path):
    write_front_page(tmp_path)
    assert re.findall(r'href="([^"]+)"', (tmp_path / "404.html").read_text(encoding="utf-8")) == [f"{SITE}contents.html", f"{SITE}search.html", SITE]
    [network] = (tmp_path / "_static" / "networks").iterdir()
    assert f'src="_static/networks/{network.name}"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_no_name_is_declared_by_two_modules_and_none_is_long():
    names = [name for module in modules(FRONT / "index.js")
             for name in re.findall(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", module.read_text("utf-8"), re.MULTILINE)]
    assert sorted(names) == sorted(set(names))
    assert "import " not in re.sub(r"/\*\*.*?\*/", "", front_script(), flags=re.DOTALL)
    assert [path.name for path in FRONT.glob("*.js") if len(path.read_text("utf-8").splitlines()) > 150] == []


def test_the_words_of_the_menus_are_the_grammars():
    """`grammar.test.js` compares the page's reading of these sentences with the grammar's."""
    drawn = [sentence for split in ("train", "held out", "bonus") for sentence in sentences(split, 40, seed=1)]
    cases = {"lexicon": page_data()["lexicon"], "sentences": [[s.english, s.antecedent, s.other or "", s.pronoun, s.french] for s in drawn]}
    if os.environ.get("WRITE_CASES"):
        CASES.write_text(json.dumps(cases, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(CASES.read_text("utf-8")) == json.loads(json.dumps(cases))


def test_the_sentences_to_guess_are_of_animals_that_never_met():
    assert page_data()["heldOut"] == [sentence.english for sentence in sentences("held out", 40)]
