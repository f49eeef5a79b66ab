"""Everything that changes while a model is trained: weights, optimizer, random numbers and history."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from functools import partial

import torch
from torch import nn

from ninelives.sentence import ShownAsSentence
from ninelives.training.interrupts import interrupts_delayed
from ninelives.training.randomness import random_states, seeded, set_random_states
from ninelives.training.recipe import Recipe, Run
from ninelives.training.step import training_step


class Diverged(ShownAsSentence, RuntimeError):
    """The loss is NaN or infinite."""


class Training:
    """A training at one moment, and how it moves on.

    Attributes:
        model: the model, on its device.
        parameters: those that are trained, by their names.
        optimizer: AdamW (Loshchilov and Hutter 2019), with weight decay on
            matrices and tables, not on biases and norms.
        step: makes one step, as `training_step` does.
        rate: the learning rate of a step, counted from 1.
        run: what has come of it so far.
        losses: sum and number of the losses since the last entry of the history.
        generator: draws the batches.
        random_states: those at the end of the last whole step.

    Raises:
        ValueError: the schedule needs n_embd, and the model has no config.
    """

    def __init__(
        self, model: nn.Module, recipe: Recipe, step: Callable = training_step,
        rate: Callable[[int], float] | None = None, settings: Mapping[str, str] | None = None,
    ) -> None:
        model = getattr(model, "_orig_mod", model)  # what torch.compile wraps, whose tensors have the names to be saved
        self.model, self.step = model, step
        self.parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        parameters = list(self.parameters.values())
        self.device = parameters[0].device
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in parameters if p.dim() > 1], "weight_decay": recipe.weight_decay},
                {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
            ],
            lr=0.0, betas=(0.9, 0.99), fused=True,
        )
        configs = {
            name: asdict(module.config)
            for name, module in model.named_modules() if is_dataclass(getattr(module, "config", None))
        }
        if rate is None and recipe.schedule == "noam" and not configs:
            raise ValueError("schedule is 'noam', which needs n_embd, and the model has no config that names it.")
        d_model = next((config["n_embd"] for config in configs.values()), 1)
        self.rate = rate or partial(recipe.rate, d_model=d_model)
        self.run = Run(recipe, configs, sum(p.numel() for p in parameters), settings=dict(settings or {}))
        self.losses = [0.0, 0]
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.random_states = random_states(self.generator, self.device)

    def note(self, pieces: Mapping[str, str]) -> None:
        """Keep with which pieces the steps from now on are made."""
        kept = [each for each in self.run.made_with if each["from_step"] <= self.run.step]
        if dict(pieces) != (kept[-1]["pieces"] if kept else {}):
            kept.append({"from_step": self.run.step + 1, "pieces": dict(pieces)})
        self.run.made_with = kept

    def make_step(self, draw_batch: Callable) -> None:
        """One update of the weights. Raises Diverged, and then changes none."""
        run, recipe = self.run, self.run.recipe
        began = time.perf_counter()
        batch = tuple(tensor.to(self.device) for tensor in draw_batch(self.generator, recipe.batch_size))
        rate = self.rate(run.step + 1)

        def refuse_bad_loss(model: nn.Module, arguments: tuple, output: tuple) -> None:
            """Called between the model and backward(), so that a bad loss changes no weight."""
            if not output[1].isfinite():
                raise Diverged(
                    f"the loss is {output[1].item()} at step {run.step + 1}, with a rate of {rate:.2g}: the training has "
                    f"diverged. Try a third of the learning rate, a longer warm-up or a smaller grad_clip (in a folder of "
                    f"its own). If it happens at step 1, look for NaN in the weights or a mask with an empty row."
                )

        # A learner's step holds everything from the loss to the new weights, so an interrupt waits for all of it.
        with interrupts_delayed():
            watching = self.model.register_forward_hook(refuse_bad_loss)
            try:
                loss = float(self.step(self.model, self.optimizer, batch, rate, recipe.grad_clip))
            finally:
                watching.remove()
            run.step += 1
            self.losses = [self.losses[0] + loss, self.losses[1] + 1]
            self.random_states = random_states(self.generator, self.device)
            run.seconds += time.perf_counter() - began

    def undo_unfinished_step(self) -> None:
        """Forget what an interrupted step has drawn and computed."""
        set_random_states(self.random_states, self.generator, self.device)
        self.optimizer.zero_grad()

    @property
    def entry_is_due(self) -> bool:
        """Whether the history needs an entry for the present step."""
        run = self.run
        has_one = bool(run.history) and run.history[-1]["step"] == run.step
        return run.step > 0 and (run.step % run.recipe.eval_every == 0 or run.finished) and not has_one

    @property
    def complete(self) -> bool:
        """Whether all steps are made and the last entry is written."""
        return self.run.finished and not self.entry_is_due

    def add_entry(self, evaluate: Callable[[nn.Module], dict] | None) -> None:
        """Evaluate, and write the result into the history."""
        run = self.run
        began = time.perf_counter()
        found = {}
        if evaluate is not None:
            self.model.eval()
            # Random numbers of its own, so that evaluating changes nothing of the training.
            with torch.no_grad(), seeded(run.recipe.seed, self.device):
                found = evaluate(self.model)
            self.model.train()
        total, number = self.losses
        rate = self.rate(run.step)
        seconds = run.seconds + time.perf_counter() - began
        with interrupts_delayed():
            run.history.append({"step": run.step, "loss": total / number, "rate": rate, "seconds": seconds, **found})
            run.seconds, self.losses = seconds, [0.0, 0]
