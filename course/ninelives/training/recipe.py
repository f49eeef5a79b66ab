"""What to do in a training, and what came of it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ninelives.training.schedules import noam_rate, warmup_cosine

SCHEDULES = ("constant", "cosine", "noam")


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Args:
        learning_rate: the rate after the warm-up, or the peak of a cosine. None
            with "noam", which computes its own.
        batch_size: examples per step.
        max_iters: the number of steps.
        warmup_steps: the number of steps in which the rate rises linearly.
        schedule: after the warm-up, "constant" stays at learning_rate and
            "cosine" falls to 0 (`warmup_cosine`). "noam" is the rate of Vaswani
            et al. 2017 from the first step to the last (`noam_rate`).
        weight_decay: of AdamW (Loshchilov and Hutter 2019), on matrices and
            tables, not on biases and norms.
        grad_clip: the largest norm of the whole gradient.
        seed: of the batches and of dropout.
        eval_every: steps between two entries of the history.
        checkpoint_every: steps between two checkpoints.

    Raises:
        ValueError: a value is outside its range.
    """

    learning_rate: float | None = 2e-3
    batch_size: int = 64
    max_iters: int = 2000
    warmup_steps: int = 100
    schedule: str = "cosine"
    weight_decay: float = 0.01
    grad_clip: float = 1.0
    seed: int = 0
    eval_every: int = 100
    checkpoint_every: int = 100

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_iters", "eval_every", "checkpoint_every"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}: it must be a whole number of at least 1.")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule is {self.schedule!r}: it must be one of {', '.join(map(repr, SCHEDULES))}.")
        if self.schedule == "noam":
            if self.learning_rate is not None:
                raise ValueError(
                    f"learning_rate is {self.learning_rate} and schedule is 'noam', which computes the rate "
                    f"from n_embd and warmup_steps: leave learning_rate None."
                )
        elif self.learning_rate is None or not self.learning_rate > 0:
            raise ValueError(f"learning_rate is {self.learning_rate}: it must be above 0.")
        if not isinstance(self.warmup_steps, int) or not (self.schedule == "noam") <= self.warmup_steps:
            raise ValueError(f"warmup_steps is {self.warmup_steps!r}: it must be a whole number of at least "
                             f"{'1 with noam' if self.schedule == 'noam' else 0}.")
        if self.schedule == "cosine" and self.warmup_steps > self.max_iters:
            raise ValueError(f"warmup_steps is {self.warmup_steps} and max_iters {self.max_iters}: "
                             f"the warm-up must end before the training does.")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay is {self.weight_decay}: it must be 0 or more.")
        if not self.grad_clip > 0:
            raise ValueError(f"grad_clip is {self.grad_clip}: it must be above 0; float('inf') never clips.")

    def rate(self, step: int, d_model: int) -> float:
        """The learning rate of a step, counted from 1."""
        if self.schedule == "noam":
            return noam_rate(step, d_model, self.warmup_steps)
        if self.schedule == "cosine":
            return warmup_cosine(step, self.learning_rate, self.warmup_steps, self.max_iters)
        return self.learning_rate * min(1.0, step / max(1, self.warmup_steps))


@dataclass
class Run:
    """The record of a training: how it was made, and its history.

    Attributes:
        recipe: how it was trained.
        config: the sizes of the model, `{"": {…}}` for one Transformer,
            `{"encoder": {…}, "decoder": {…}}` for two.
        parameters: the number of trained parameters.
        step: the number of steps made.
        seconds: the time they took in all sittings, with evaluation.
        history: one dict for every recipe.eval_every steps: `step`, `loss` (the
            mean over the steps since the last entry), `rate`, `seconds`, and
            what `evaluate` returned.
        settings: what else makes it this training and no other, such as where
            its weights began.
        made_with: with which pieces its steps were made, such as a learner's own
            `training_step`. `{"from_step": 1, "pieces": {…}}`, and another one
            from each step on at which they changed.
    """

    recipe: Recipe
    config: dict[str, dict]
    parameters: int
    step: int = 0
    seconds: float = 0.0
    history: list[dict] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    made_with: list[dict] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether all steps of the recipe were made."""
        return self.step == self.recipe.max_iters

    def to_json(self) -> str:
        """The run as text, for `Run.from_json`."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Run":
        """The run that `to_json` wrote, or that is in the run.json of a training's folder."""
        return cls.from_facts(json.loads(text))

    @classmethod
    def from_facts(cls, facts: dict) -> "Run":
        """From the dict in run.json. Other keys are ignored."""
        facts = {"settings": {}, "made_with": [], **facts}  # runs of earlier versions have none
        known = {name: facts[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "recipe": Recipe(**facts["recipe"])})

    @classmethod
    def load(cls, path: str | Path) -> "Run":
        """The run in a file, or in a folder that `train` was given."""
        path = Path(path)
        return cls.from_json((path / "run.json" if path.is_dir() else path).read_text(encoding="utf-8"))
