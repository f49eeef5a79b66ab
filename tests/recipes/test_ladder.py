from dataclasses import fields, replace

import pytest
import torch

from ninelives.recipes.ladder import RUNGS, START, model_of, saved_runs, tokenizer_of
from ninelives.text import CharTokenizer, WordTokenizer, sentences
from ninelives.training.batches import PADDING, drawn_from, translation_batch


@pytest.mark.parametrize(("name", "seed", "run"), [pytest.param(*saved, id=f"{saved[0]}, {saved[1]}") for saved in saved_runs()])
def test_a_saved_run_belongs_to_the_rung_in_its_name(name, seed, run):
    assert run.finished and run.recipe == replace(RUNGS[name].recipe, seed=seed)
    model = model_of(RUNGS[name], tokenizer_of(RUNGS[name]))
    assert run.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert all({"step", "loss", "rate", "seconds", "sentences right", "new combinations right"} == set(entry) for entry in run.history)


def at_the_end(name, measure="sentences right"):
    return [run.history[-1][measure] for of, _, run in saved_runs() if of == name]


def test_the_saved_runs_show_what_notebook_9_says_of_them():
    words = at_the_end("words")
    assert max(at_the_end("characters")) < 0.1 and 0.45 < min(words) and max(words) < 0.7
    assert min(at_the_end("quick")) > 0.99
    others = [max(at_the_end(name)) for name in ("learning rate", "batch size", "layers", "width", "heads")]
    assert [sum(share > 0.6 for share in at_the_end(name)) for name in ("width", "batch size")] == [3, 2]
    assert all(max(at_the_end(name)) < 0.6 for name in ("learning rate", "layers", "heads"))
    low, *high = sorted(at_the_end("iterations"))
    assert low < 0.8 < min(high) and max(others) < 0.8 and len(high) == 2
    low, *high = sorted(at_the_end("all six", "new combinations right"))
    assert low < 0.8 and high == [1, 1]


def test_the_curves_of_words_and_quick_are_as_notebook_9_describes_them():
    shown, *others = [run.history for of, _, run in saved_runs() if of == "words"]
    assert all(abs(entry["sentences right"] - 0.5) < 0.05 for entry in shown if 750 <= entry["step"] <= 1500)
    assert 0.6 < shown[-1]["sentences right"] < 0.7 and all(abs(run[-1]["sentences right"] - 0.5) < 0.01 for run in others)
    thousandth, last = ([f"{next(entry for entry in run if entry['step'] == step)['sentences right']:.0%}" for run in (shown, *others)]
                        for step in (1000, 2000))
    assert thousandth == ["50%", "53%", "45%"] and last == ["62%", "50%", "50%"]  # the second is the common misreading's
    quick = next(run for of, _, run in saved_runs() if of == "quick")
    first = quick.history[0]
    assert first["step"] == quick.recipe.warmup_steps == 100 and first["rate"] == max(entry["rate"] for entry in quick.history)


def test_the_quick_rung_is_the_smallest_of_the_rungs_with_words():
    sizes = {name: run.parameters for name, _, run in saved_runs() if name != "characters"}
    assert min(sizes, key=sizes.get) == "quick"


def test_with_a_constant_rate_accuracy_drops_again_and_with_a_falling_rate_it_does_not():
    had, kept = (
        [[entry["sentences right"] for entry in run.history] for of, _, run in saved_runs() if of == name]
        for name in ("all six", "quick")
    )
    assert all(max(shares) == 1 for shares in had) and min(shares[-1] for shares in had) < 0.98
    assert min(min(shares[-5:]) for shares in kept) > 0.99


def test_each_of_the_six_changes_is_one_change():
    for name in ("learning rate", "batch size", "iterations", "layers", "width", "heads", "characters"):
        rung = RUNGS[name]
        changed = [f.name for f in fields(rung) if f.name != "recipe" and getattr(rung, f.name) != getattr(START, f.name)]
        changed += [f.name for f in fields(rung.recipe) if getattr(rung.recipe, f.name) != getattr(START.recipe, f.name)]
        assert len(changed) == 1, name


@pytest.mark.parametrize("name", ["words", "characters"])
def test_every_sentence_can_be_read_and_fits_the_model(name):
    tokenizer = tokenizer_of(RUNGS[name])
    assert isinstance(tokenizer, CharTokenizer if name == "characters" else WordTokenizer)
    prefix, targets = translation_batch([s for split in ("train", "held out", "bonus") for s in sentences(split, 300)], tokenizer)
    block_size = model_of(RUNGS[name], tokenizer).decoder.config.block_size
    assert max(prefix.shape[1], targets.shape[1]) <= block_size


def test_batches_are_drawn_from_the_sentences_and_depend_only_on_the_generator():
    tokenizer, drawn = tokenizer_of(START), sentences("train", 50)
    draw_batch = drawn_from(drawn, tokenizer)
    prefix, targets = draw_batch(torch.Generator().manual_seed(3), 8)
    again = draw_batch(torch.Generator().manual_seed(3), 8)
    assert torch.equal(prefix, again[0]) and torch.equal(targets, again[1])
    pairs = {(s.english, s.french) for s in drawn}
    assert all((tokenizer.decode(p), tokenizer.decode(t)) in pairs for p, t in zip(prefix, targets))
    assert (prefix != PADDING).any(0).all() and (targets != PADDING).any(0).all()
