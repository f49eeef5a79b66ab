"""Training: batches, the loop, its rates, its checkpoints, and how often the answer is right (notebook 9)."""

from ninelives.training.accuracy import exact_match
from ninelives.training.batches import PADDING, translation_batch
from ninelives.training.loop import Diverged, train
from ninelives.training.recipe import Recipe, Run
from ninelives.training.schedules import noam_rate, warmup_cosine

__all__ = [
    "PADDING",
    "Diverged",
    "Recipe",
    "Run",
    "exact_match",
    "noam_rate",
    "train",
    "translation_batch",
    "warmup_cosine",
]
