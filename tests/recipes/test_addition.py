from dataclasses import fields, replace

import pytest
import torch

from ninelives.model import generate
from ninelives.recipes.addition import (
    BLOCK_SIZE,
    LESSONS,
    Lesson,
    drawn_sums,
    examples,
    model_of,
    saved_runs,
    solved,
    train_lesson,
)
from ninelives.text.addition import FORMATS, held_out
from ninelives.training import Recipe
from ninelives.training.batches import PADDING

RUNS = saved_runs()


@pytest.mark.parametrize("name", LESSONS)
def test_the_saved_run_of_each_lesson_has_the_recipe_and_the_sizes_in_the_code(name):
    run, lesson = RUNS[name], LESSONS[name]
    assert run.finished and run.recipe == lesson.recipe
    model = model_of(lesson)
    assert run.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert run.config == {"": vars(model.config)}
    assert all({"step", "loss", "rate", "seconds", "solved"} == set(entry) for entry in run.history)


def solved_at(name, step):
    return next(entry["solved"] for entry in RUNS[name].history if entry["step"] == step)


def test_the_saved_runs_show_what_the_lab_says_about_them():
    last = {name: run.history[-1]["solved"] for name, run in RUNS.items()}
    assert all(solved_at(name, 4000) < 0.1 for name in FORMATS)
    assert last["whole numbers"] < 0.1 and 0.5 < last["plain"] < last["reversed"] < last["padded"] < last["padded, reversed"]
    assert last["best"] == 1.0 and last["best, loss on every token"] > 0.8
    past = {name: next(entry["step"] for entry in RUNS[name].history if entry["solved"] > 0.8)
            for name in ("best", "best, loss on every token")}
    assert past["best, loss on every token"] > 2 * past["best"]


def test_the_other_recipe_saves_steps_and_not_sums():
    steps, sums = {}, {}
    for name in ("padded, reversed", "best, loss on every token"):
        steps[name] = next(entry["step"] for entry in RUNS[name].history if entry["solved"] > 0.8)
        sums[name] = steps[name] * RUNS[name].recipe.batch_size
    slow, fast = steps
    assert steps[fast] < steps[slow] / 3 and sums[fast] > 1.2 * sums[slow]


def test_the_five_formats_share_one_recipe_and_the_two_others_differ_only_in_the_loss():
    def differences(one, other):
        return [f.name for f in fields(Lesson) if getattr(LESSONS[one], f.name) != getattr(LESSONS[other], f.name)]

    first, *others = FORMATS
    assert [differences(first, name) for name in others] == [["format"]] * 4
    assert differences("best", "best, loss on every token") == ["answer_only"]


@pytest.mark.parametrize("name", FORMATS)
def test_targets_are_the_next_tokens_and_the_end_or_only_those_of_the_answer(name):
    form = FORMATS[name]
    sums = [(7, 64), (578, 422)]
    idx, targets = examples(sums, form)
    _, of_answers = examples(sums, form, answer_only=True)
    assert idx.shape[1] <= BLOCK_SIZE
    for (a, b), row, target, of_answer in zip(sums, idx, targets, of_answers):
        question, answer = form.tokenizer.encode(form.question(a, b)), form.tokenizer.encode(form.answer(a, b))
        read, wanted = row[row != PADDING], target[target != PADDING]
        assert torch.equal(read, torch.cat([question, answer]))
        assert torch.equal(wanted[:-1], read[1:]) and wanted[-1] == form.tokenizer.end_token
        assert torch.equal(of_answer[of_answer != PADDING][:-1], answer)
        assert (of_answer[: len(question) - 1] == PADDING).all()


def test_no_held_out_sum_is_drawn_in_either_order():
    draw_batch = drawn_sums(FORMATS["padded"], answer_only=False)
    idx, _ = draw_batch(torch.Generator().manual_seed(0), 20_000)
    words = FORMATS["padded"].tokenizer.words
    texts = ["".join(words[i] for i in row) for row in idx[:, :7].tolist()]
    drawn = {frozenset(map(int, text.split("+"))) for text in texts}
    assert len(drawn) > 19_000
    assert drawn.isdisjoint(map(frozenset, held_out()))


def test_batches_depend_only_on_the_generator():
    draw_batch = drawn_sums(FORMATS["plain"], answer_only=True)
    once, again = (draw_batch(torch.Generator().manual_seed(3), 8) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(once, again))


@pytest.fixture(scope="module")
def half_learned():
    """A model that solves some sums and others not: it has seen few, again and again."""
    form = FORMATS["plain"]
    sums = [(a, b) for a in range(3) for b in range(8, 12)]
    model = model_of(Lesson(form, Recipe(), dropout=0.0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(40):
        model(*examples(sums[:6], form, answer_only=True))[1].backward()
        optimizer.step()
        optimizer.zero_grad()
    return model, form, sums


def test_solved_is_the_share_that_greedy_generation_solves(half_learned):
    model, form, sums = half_learned
    written = []
    for a, b in sums:
        prompt = form.tokenizer.encode(form.question(a, b))[None]
        new = generate(model, prompt, 6, 0, end_token=form.tokenizer.end_token)[0, prompt.shape[1] :]
        written.append(form.tokenizer.decode(new) == form.answer(a, b) and form.tokenizer.end_token in new)
    assert 0 < sum(written) < len(sums)
    assert solved(model, form, sums) == pytest.approx(sum(written) / len(sums))


def test_a_lesson_of_your_own_can_be_trained_and_continued(tmp_path):
    recipe = Recipe(batch_size=4, max_iters=4, warmup_steps=1, eval_every=2)
    lesson = replace(LESSONS["best"], recipe=recipe)
    _, run = train_lesson(lesson, tmp_path)
    assert run.finished and [entry["step"] for entry in run.history] == [2, 4]
    assert train_lesson(lesson, tmp_path)[1].seconds == run.seconds
