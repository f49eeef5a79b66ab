from dataclasses import asdict

import pytest
import torch

from ninelives import weights
from ninelives.config import TransformerConfig
from ninelives.model import Encoder
from ninelives.recipes import addition, antecedent, pronunciation, shakespeare, storyteller, translator
from ninelives.recipes.release import page, release
from ninelives.text import WordTokenizer
from ninelives.training.recipe import Recipe, Run


def test_both_cards_show_the_cost_of_rounding_and_the_model_is_left_unchanged(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    torch.manual_seed(0)
    tokenizer = WordTokenizer(["cat", "it"])
    model = Encoder(TransformerConfig(tokenizer.vocab_size, 8, n_embd=4, n_head=2, n_layer=1))
    before = model.lm_head.weight.clone()
    run = Run(Recipe(max_iters=200), {}, 0)
    release("tiny", model, tokenizer, run, lambda m: {"first number": m.lm_head.weight[0, 0].item()}, "A tiny encoder.")
    assert torch.equal(model.lm_head.weight, before)
    card, text = weights.card("tiny", tmp_path), (tmp_path / "tiny.md").read_text()
    first = before[0, 0].item()
    assert card["figures"] == {"float32": {"first number": first}, "float16": {"first number": before[0, 0].half().item()}}
    assert card["recipe"] == asdict(run.recipe)
    assert f"| first number | {first} | {before[0, 0].half().item()} |" in text
    assert "A tiny encoder." in text and card["sha256"] in text and "python -m ninelives.recipes.tiny" in text
    assert torch.equal(weights.load("tiny", tmp_path)[0].lm_head.weight, before.half().float())


def test_the_page_names_the_data_or_else_the_grammar():
    card = weights.card("storyteller")
    assert "- **Data** the cat's sentences, version 1" in page(card, "")
    assert "- **Data** sums.\n" in page({**card, "data": "sums."}, "")


@pytest.mark.parametrize("recipe", [addition, antecedent, pronunciation, shakespeare, storyteller, translator],
                         ids=lambda recipe: recipe.__name__.split(".")[-1])
def test_the_shipped_page_is_the_one_that_the_card_and_the_recipe_give(recipe):
    name = recipe.__name__.split(".")[-1]
    shipped = (weights.FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert shipped == page(weights.card(name), recipe.ABOUT)
