"""The loop: draw, score, go back, step; and nothing lost when it is stopped."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, is_dataclass
from pathlib import Path

import torch
from torch import nn

from ninelives.training import checkpoints
from ninelives.training.progress import ProgressLine
from ninelives.training.recipe import Recipe, Run


class Diverged(RuntimeError):
    """The loss is no number any more."""


def train(
    model: nn.Module,
    draw_batch: Callable[[torch.Generator, int], tuple[torch.Tensor, ...]],
    recipe: Recipe,
    *,
    evaluate: Callable[[nn.Module], dict] | None = None,
    folder: str | Path | None = None,
    monitor: Callable[[dict], None] | None = None,
) -> Run:
    """Train a model, on the device that it is on; afterwards it is in eval mode.

    With a folder, the training is saved there every recipe.checkpoint_every
    steps and whenever it stops, be it by an interrupt or an error. Called again
    with the same folder it goes on from there, and on the same CPU or CUDA GPU
    weights and history are to the bit those of a training that was never
    stopped. A training that is finished is read from its folder and not made again.

    The same seed gives the same numbers on the same machine. PyTorch's own
    source of random numbers is left as it was.

    Args:
        model: called as model(*batch), gives (logits, loss).
        draw_batch: (generator, batch_size) to the tensors that the model is
            called with; all its chance must come from the generator.
        recipe: how to train.
        evaluate: called with the model in eval mode and without a graph; the
            dict of JSON values that it returns goes into the history.
        folder: where the training is kept.
        monitor: called with each entry of the history, those of earlier
            sittings first; its method `stopped(step, seconds)`, if there is one,
            is asked before every step, and True ends the sitting. Without one, a
            line of text shows how far the training is.

    Raises:
        Diverged: the loss is NaN or infinite. The weights are those before that step.
        ValueError: the folder holds a training with another model or recipe, or
            a damaged one. It is left as it is.
        NotSaved: (an OSError) the folder cannot be written. What it held it holds.
    """
    folder = None if folder is None else Path(folder)
    with seeded(recipe.seed, next(model.parameters()).device):
        training = Training(model, recipe)
        saved = folder is not None and training.restore(folder)
        run = training.run
        if monitor is not None:
            for entry in run.history:
                monitor(entry)
        if saved and run.finished:
            model.eval()
            return run
        line = ProgressLine(recipe.max_iters) if monitor is None else None
        stopped = getattr(monitor, "stopped", lambda step, seconds: False)
        save = (lambda: None) if folder is None else (lambda: training.save(folder))
        if not saved:
            # At once, so that a folder that cannot be written is known before time is spent.
            save()
        saved_step = run.step
        try:
            with interrupts_between_steps() as undisturbed:
                while True:
                    due = run.step > 0 and (run.step % recipe.eval_every == 0 or run.finished)
                    new = due and (not run.history or run.history[-1]["step"] != run.step)
                    if new:
                        training.add_entry(evaluate, undisturbed)
                        if monitor is not None:
                            monitor(run.history[-1])
                    if line is not None and run.step:
                        line(run.step, run.seconds, run.history, new=new)
                    if run.finished or stopped(run.step, run.seconds):
                        break
                    if run.step % recipe.checkpoint_every == 0 and run.step != saved_step:
                        save()
                        saved_step = run.step
                    training.make_step(draw_batch, undisturbed)
        except (Diverged, checkpoints.NotSaved):
            raise
        except BaseException:
            training.go_back_to_whole_step()
            save()
            raise
        finally:
            model.eval()
            if line is not None:
                line.close()
        save()
    return run


class Training:
    """Everything that moves while a model is trained."""

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self.model = model
        self.named = {name: p for name, p in model.named_parameters() if p.requires_grad}
        parameters = list(self.named.values())
        self.device = parameters[0].device
        matrices = [p for p in parameters if p.dim() > 1]
        others = [p for p in parameters if p.dim() <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=0.0, betas=(0.9, 0.99), fused=True,
        )
        configs = {name: asdict(module.config) for name, module in model.named_modules()
                   if is_dataclass(getattr(module, "config", None))}
        self.run = Run(recipe, configs, sum(p.numel() for p in parameters))
        if recipe.schedule == "noam" and not configs:
            raise ValueError("schedule is 'noam', which needs n_embd, and the model has no config that names it.")
        self.d_model = next((config["n_embd"] for config in configs.values()), 1)
        self.losses = [0.0, 0]  # sum and number since the last entry
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.chance = self.states_of_chance()

    def make_step(self, draw_batch: Callable, undisturbed: Callable) -> None:
        """One update of the weights."""
        run, recipe = self.run, self.run.recipe
        began = time.perf_counter()
        if not self.model.training:
            self.model.train()
        batch = [tensor.to(self.device) for tensor in draw_batch(self.generator, recipe.batch_size)]
        _, loss = self.model(*batch)
        rate = recipe.rate(run.step + 1, self.d_model)
        value = loss.item()
        if not math.isfinite(value):
            raise Diverged(
                f"the loss is {value} at step {run.step + 1}, with a rate of {rate:.2g}: the training has diverged. "
                f"Try a third of the learning rate, a longer warm-up or a smaller grad_clip (in a folder of its own). "
                f"If it happens at step 1, look for NaN in the weights or a mask with an empty row."
            )
        loss.backward()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        nn.utils.clip_grad_norm_(self.named.values(), recipe.grad_clip)
        with undisturbed():
            self.optimizer.step()
            self.optimizer.zero_grad()
            run.step += 1
            self.losses = [self.losses[0] + value, self.losses[1] + 1]
            self.chance = self.states_of_chance()
            run.seconds += time.perf_counter() - began

    def add_entry(self, evaluate: Callable[[nn.Module], dict] | None, undisturbed: Callable) -> None:
        """Evaluate, and write it into the history."""
        run = self.run
        began = time.perf_counter()
        found = {}
        if evaluate is not None:
            self.model.eval()
            # A source of its own, so that looking changes nothing of what follows.
            with torch.no_grad(), seeded(run.recipe.seed, self.device):
                found = evaluate(self.model)
        seconds = run.seconds + time.perf_counter() - began
        total, number = self.losses
        entry = {"step": run.step, "loss": total / number, "rate": run.recipe.rate(run.step, self.d_model),
                 "seconds": seconds, **found}
        with undisturbed():
            run.history.append(entry)
            run.seconds, self.losses = seconds, [0.0, 0]

    def states_of_chance(self) -> dict[str, torch.Tensor]:
        """Where the sources of random numbers stand: of the batches, and of dropout."""
        states = {"batches": self.generator.get_state(), "dropout": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["dropout.cuda"] = torch.cuda.get_rng_state(self.device)
        return states

    def go_back_to_whole_step(self) -> None:
        """Forget what an unfinished step has drawn."""
        self.generator.set_state(self.chance["batches"])
        torch.set_rng_state(self.chance["dropout"])
        # A training may go on on another kind of device, though not to the bit.
        if "dropout.cuda" in self.chance and self.device.type == "cuda":
            torch.cuda.set_rng_state(self.chance["dropout.cuda"], self.device)
        self.optimizer.zero_grad()

    def save(self, folder: Path) -> None:
        """Into the folder, whole or not at all."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"chance.{name}": state for name, state in self.chance.items()}
        for name, parameter in self.named.items():
            for what, tensor in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{what}.{name}"] = tensor
        facts = {**asdict(self.run), "losses": self.losses, "shapes": self.shapes()}
        checkpoints.write(folder, facts, tensors)

    def restore(self, folder: Path) -> bool:
        """From the folder; False where it holds no training. Raises ValueError, and then changes nothing."""
        found = checkpoints.read(folder)
        if found is None:
            return False
        run, facts, tensors = found
        self.refuse_another(folder, run, facts["shapes"])
        self.model.load_state_dict(part(tensors, "model."))
        for name, parameter in self.named.items():
            state = {what: tensors[f"optimizer.{what}.{name}"] for what in ("step", "exp_avg", "exp_avg_sq")
                     if f"optimizer.{what}.{name}" in tensors}
            if state:
                # A tensor from a file shares its memory with the file and may lie at any address.
                self.optimizer.state[parameter] = {what: t.clone().to(self.device) for what, t in state.items()}
        self.run, self.losses, self.chance = run, facts["losses"], part(tensors, "chance.")
        self.go_back_to_whole_step()
        return True

    def refuse_another(self, folder: Path, run: Run, shapes: dict[str, list[int]]) -> None:
        """Raises ValueError where the folder's training is not this one."""
        asked = {**flat(asdict(self.run.recipe)), **flat(self.run.config), **self.shapes()}
        there = {**flat(asdict(run.recipe)), **flat(run.config), **shapes}
        different = [f"{name} is {there.get(name, 'missing')} there and {asked.get(name, 'missing')} here"
                     for name in {**asked, **there} if there.get(name) != asked.get(name)]
        if different:
            more = f", and {len(different) - 3} more differences" if len(different) > 3 else ""
            raise ValueError(
                f"{folder} holds another training, at step {run.step}: {'; '.join(different[:3])}{more}. Nothing was "
                f"changed. Give this training a folder of its own, or go on with that one as it was begun."
            )

    def shapes(self) -> dict[str, list[int]]:
        """Names and shapes of everything in the model's state."""
        return {name: list(tensor.shape) for name, tensor in self.model.state_dict().items()}


def part(tensors: dict[str, torch.Tensor], beginning: str) -> dict[str, torch.Tensor]:
    """Those whose names begin so, without that beginning."""
    return {name.removeprefix(beginning): tensor for name, tensor in tensors.items() if name.startswith(beginning)}


def flat(tree: dict, path: str = "") -> dict:
    """{"decoder": {"n_embd": 8}} to {"decoder.n_embd": 8}."""
    leaves = {}
    for name, value in tree.items():
        name = f"{path}.{name}".strip(".")
        leaves |= flat(value, name) if isinstance(value, dict) else {name: value}
    return leaves


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Inside, chance on the processor and on the device begins at the seed; afterwards both go on as if nothing had been drawn.

    torch.manual_seed and fork_rng alone would wake every GPU there is, for a model that is on none.
    """
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


@contextmanager
def interrupts_between_steps() -> Iterator[Callable]:
    """Lets the stop button wait while the weights are half changed.

    Yields:
        a context manager; an interrupt that comes inside is raised at its end.
    """
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread is interrupted.
        yield nullcontext
        return
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):
        # Interrupts are ignored here.
        yield nullcontext
        return
    waiting: list | None = None

    def handle(number, frame):
        if waiting is None:
            handler(number, frame)
        else:
            waiting.append(number)

    @contextmanager
    def undisturbed() -> Iterator[None]:
        nonlocal waiting
        waiting = []
        try:
            yield
        finally:
            came, waiting = waiting, None
            if came:
                handler(came[0], None)

    signal.signal(signal.SIGINT, handle)
    try:
        yield undisturbed
    finally:
        signal.signal(signal.SIGINT, handler)
