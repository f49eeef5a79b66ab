import json
import math
import os
import random
import signal
from dataclasses import replace

import pytest
import torch

from helpers import small
from ninelives.training import Diverged, Run, train, training_step
from ninelives.training.made_with import whose_steps

RECIPE = small.RECIPE


@pytest.fixture(autouse=True)
def interrupts_are_heard():
    """Also if the tests run in the background of a shell, where interrupts are ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def undisturbed():
    model = small.model()
    return model, train(model, small.draw_batch, RECIPE, evaluate=small.evaluate, monitor=lambda entry: None)


def train_again(model, folder, **changes):
    return train(model, small.draw_batch, RECIPE, **{"evaluate": small.evaluate, "folder": folder, "monitor": lambda entry: None} | changes)


def test_the_model_learns_and_the_history_says_so(undisturbed):
    _, run = undisturbed
    assert [entry["step"] for entry in run.history] == [10, 20, 30]
    assert run.history[0]["loss"] > 1.1 * run.history[-1]["loss"]
    assert all(set(entry) == {"step", "loss", "rate", "seconds", "accuracy"} for entry in run.history)
    assert run.finished and run.seconds >= run.history[-1]["seconds"] > 0


def test_the_last_step_has_an_entry_even_if_eval_every_does_not_divide_max_iters():
    run = train(small.model(), small.draw_batch, replace(RECIPE, max_iters=12))
    assert [entry["step"] for entry in run.history] == [10, 12]


def test_the_loss_in_the_history_is_the_mean_since_the_last_entry():
    each = train(small.model(), small.draw_batch, replace(RECIPE, eval_every=1)).history
    some = train(small.model(), small.draw_batch, RECIPE).history
    assert some[1]["loss"] == pytest.approx(sum(entry["loss"] for entry in each[10:20]) / 10)


def test_a_training_on_the_cpu_initialises_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)  # without one, asking for its state is an error
    assert train(small.model(), small.draw_batch, RECIPE, evaluate=small.evaluate).finished


def test_evaluating_does_not_change_the_training(undisturbed):
    def noisy(model):
        assert not model.training and not torch.is_grad_enabled()
        return {"drawn": torch.rand(()).item()}

    model = small.model()
    train(model, small.draw_batch, replace(RECIPE, eval_every=3), evaluate=noisy)
    assert small.same(model, undisturbed[0])


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(undisturbed):
    model, run = undisturbed
    again, other = small.model(), small.model()
    assert small.curve(train_again(again, None)) == small.curve(run) and small.same(again, model)
    train(other, small.draw_batch, replace(RECIPE, seed=1))
    assert not small.same(other, model)


def test_the_callers_random_numbers_and_signal_handler_are_left_alone():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    model, handler = small.model, signal.getsignal(signal.SIGINT)
    made = model()
    torch.manual_seed(5)
    train(made, small.draw_batch, RECIPE)
    assert torch.equal(torch.rand(3), wanted)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_step_is_that_of_pytorchs_adamw():
    model, twin = (small.model(replace(small.CONFIG, dropout=0.0)) for _ in range(2))
    recipe = replace(RECIPE, max_iters=3, warmup_steps=0, schedule="constant", weight_decay=0.0, grad_clip=math.inf)
    train(model, small.draw_batch, recipe)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(twin.parameters(), 3e-3, betas=(0.9, 0.99), weight_decay=0.0, foreach=False)
    for _ in range(3):
        optimizer.zero_grad()
        twin(*small.draw_batch(generator, 8))[1].backward()
        optimizer.step()
    for (name, ours), theirs in zip(model.named_parameters(), twin.parameters(), strict=True):
        # The gradient of a key's bias is only rounding, and Adam makes full-size steps of it.
        assert name.endswith("key.bias") or torch.allclose(ours, theirs, atol=1e-5)


def test_a_learners_own_step_and_rate_are_used(undisturbed):
    rates, model = [], small.model()

    def step(model, optimizer, batch, rate, grad_clip):
        rates.append(rate)
        return training_step(model, optimizer, batch, rate, grad_clip)

    run = train(model, small.draw_batch, RECIPE, step=step, rate=lambda number: number / 1e4, evaluate=small.evaluate)
    assert rates == [number / 1e4 for number in range(1, 31)]
    assert [entry["rate"] for entry in run.history] == [0.001, 0.002, 0.003]
    assert not small.same(model, undisturbed[0])

    again = small.model()
    assert small.curve(train(again, small.draw_batch, RECIPE, step=step, evaluate=small.evaluate)) == small.curve(undisturbed[1])
    assert small.same(again, undisturbed[0])


def test_a_learners_step_that_ruins_the_weights_is_stopped_at_the_next_loss(tmp_path):
    def step(model, optimizer, batch, rate, grad_clip):
        _, loss = model(*batch)
        (loss * math.nan).backward()
        optimizer.step()
        return loss.item()

    model = small.model()
    with pytest.raises(Diverged, match="the loss is nan at step 2"):
        train(model, small.draw_batch, replace(RECIPE, checkpoint_every=1), step=step, folder=tmp_path)


def test_the_gradient_is_clipped():
    norms = []

    class Spy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(4))
            self.weight.register_post_accumulate_grad_hook(lambda weight: norms.append(weight))

        def forward(self, x):
            return x, 1000 * (self.weight * x).sum()

    model = Spy()
    before = torch.nn.utils.clip_grad_norm_
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.nn.utils.clip_grad_norm_", lambda parameters, most: seen.append((before(p := list(parameters), most), most, p[0].grad.norm().item())))
        train(model, lambda generator, n: (torch.ones(4),), replace(RECIPE, max_iters=1, warmup_steps=0, grad_clip=0.5))
    assert seen[0][1] == 0.5 and seen[0][2] == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_an_interrupt_at_any_moment_loses_nothing(undisturbed, tmp_path, seed):
    model, run = undisturbed
    chance = random.Random(seed)
    interrupted, sittings = small.model(), 0
    while True:
        sittings += 1
        count, at = 0, chance.randint(1, 14)

        def draw_batch(generator, batch_size, at=at):
            nonlocal count
            count += 1
            batch = small.draw_batch(generator, batch_size)
            if count == at:
                os.kill(os.getpid(), signal.SIGINT)
            return batch

        try:
            again = train(interrupted, draw_batch, RECIPE, evaluate=small.evaluate, folder=tmp_path, monitor=lambda entry: None)
            break
        except KeyboardInterrupt:
            interrupted = small.model(replace(small.CONFIG))
            torch.nn.init.zeros_(interrupted.lm_head.weight)
    assert sittings > 1
    assert small.curve(again) == small.curve(run) and small.same(interrupted, model)


def test_an_interrupt_while_the_weights_change_waits_for_the_end_of_the_step(undisturbed, tmp_path):
    step, steps = torch.optim.AdamW.step, 0

    def interrupted_step(self, *arguments):
        nonlocal steps
        steps += 1
        if steps == 13:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, *arguments)

    model = small.model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", interrupted_step)
        with pytest.raises(KeyboardInterrupt):
            train_again(model, tmp_path)
    assert Run.load(tmp_path).step == 13
    assert small.curve(train_again(model, tmp_path)) == small.curve(undisturbed[1]) and small.same(model, undisturbed[0])


def test_an_interrupt_while_evaluating_evaluates_again(undisturbed, tmp_path):
    def interrupted(model):
        raise KeyboardInterrupt

    model = small.model()
    with pytest.raises(KeyboardInterrupt):
        train_again(model, tmp_path, evaluate=interrupted)
    assert Run.load(tmp_path).step == 10 and Run.load(tmp_path).history == []
    assert small.curve(train_again(model, tmp_path)) == small.curve(undisturbed[1]) and small.same(model, undisturbed[0])


def test_an_interrupt_in_the_last_evaluation_loses_no_entry(undisturbed, tmp_path):
    def interrupted(model):
        if Run.load(tmp_path).step == 28:  # the last checkpoint before the end
            raise KeyboardInterrupt
        return small.evaluate(model)

    model = small.model()
    with pytest.raises(KeyboardInterrupt):
        train_again(model, tmp_path, evaluate=interrupted)
    assert Run.load(tmp_path).finished and len(Run.load(tmp_path).history) == 2
    assert small.curve(train_again(model, tmp_path)) == small.curve(undisturbed[1]) and small.same(model, undisturbed[0])


def test_the_monitor_sees_every_entry_once_and_stops_the_training(undisturbed, tmp_path):
    class Monitor:
        def __init__(self, last):
            self.last, self.seen, self.asked = last, [], []

        def __call__(self, entry):
            self.seen.append(entry)

        def stopped(self, step, seconds):
            self.asked.append(step)
            return step == self.last

    model, first, second, third = small.model(), Monitor(last=24), Monitor(last=None), Monitor(last=None)
    run = train_again(model, tmp_path, monitor=first)
    assert run.step == 24 and not run.finished and first.seen == run.history
    assert first.asked == list(range(25))
    run = train_again(model, tmp_path, monitor=second)
    assert second.seen == run.history and small.curve(run) == small.curve(undisturbed[1])
    assert second.asked == list(range(24, 30))
    train_again(model, tmp_path, monitor=third)
    assert third.seen == run.history and third.asked == []  # finished, so shown and not repeated


def test_a_run_keeps_whose_pieces_made_its_steps_and_one_from_before_says_that_it_does_not_know(undisturbed, tmp_path):
    class StopAt:
        def __init__(self, last):
            self.last = last

        def __call__(self, entry):
            pass

        def stopped(self, step, seconds):
            return step == self.last

    yours, packages = {"training_step": "yours", "rate": "yours"}, {"training_step": "the package's", "rate": "yours"}
    model = small.model()
    assert train_again(model, tmp_path, monitor=StopAt(8)).made_with == []
    (tmp_path / "run.json").write_text(json.dumps(
        {name: value for name, value in json.loads((tmp_path / "run.json").read_text()).items() if name != "made_with"}))
    train_again(model, tmp_path, monitor=StopAt(8), pieces=packages)  # makes no step
    train_again(model, tmp_path, monitor=StopAt(15), pieces=yours)
    train_again(model, tmp_path, monitor=StopAt(20), pieces=yours)
    train_again(model, tmp_path, monitor=StopAt(21), pieces=packages)
    run = train_again(model, tmp_path, pieces=dict.fromkeys(yours, "the package's"))
    assert small.curve(run) == small.curve(undisturbed[1]) and Run.load(tmp_path) == run
    assert whose_steps(run) == [
        "Steps 1 to 8: with whose pieces was not recorded.",
        "Steps 9 to 20: made with your own pieces alone.",
        "Step 21: made with the package's training_step; the other pieces were yours.",
        "Steps 22 to 30: made with the package's pieces alone.",
    ]


def test_a_finished_training_is_read_and_not_made_again(undisturbed, tmp_path):
    train_again(small.model(), tmp_path)
    model = small.model()
    run = train(model, None, RECIPE, folder=tmp_path)
    assert run.finished and small.curve(run) == small.curve(undisturbed[1]) and small.same(model, undisturbed[0])


def test_a_loss_of_nan_raises_with_step_rate_and_what_to_try(tmp_path):
    def draw_batch(generator, batch_size):
        nonlocal count
        count += 1
        if count == 9:
            with torch.no_grad():
                model.lm_head.weight.fill_(math.inf)
        return small.draw_batch(generator, batch_size)

    model, count = small.model(), 0
    with pytest.raises(Diverged, match=r"the loss is nan at step 9, with a rate of 0.0028: .* Try a third of the learning rate"):
        train(model, draw_batch, RECIPE, folder=tmp_path)
    assert Run.load(tmp_path).step == 7
