"""Training, as notebook 9 builds it up. To be read in this order:

- `batches`: sentences become tensors
- `schedules`: the learning rate of each step
- `recipe`: how a training is made, and its record
- `step`: one step
- `state`: everything that a step changes
- `loop`: `train`, step after step, with evaluation and checkpoints
- `accuracy`: how often the answer is right
- `checkpoints`, `randomness`, `interrupts`, `progress`: what keeps a training safe, repeatable and visible
- `made_with`: whose pieces made the steps of a run
- `handed_in`, `scorable`, `scores`, `compare_class`: how trainings of others are read and graded
"""

from ninelives.training.accuracy import exact_match, share_right
from ninelives.training.batches import PADDING, batch_of_pairs, translation_batch
from ninelives.training.checkpoints import AnotherTraining
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe, Run
from ninelives.training.schedules import noam_rate, warmup_cosine
from ninelives.training.state import Diverged
from ninelives.training.step import training_step

__all__ = [
    "PADDING",
    "AnotherTraining",
    "Diverged",
    "Recipe",
    "Run",
    "batch_of_pairs",
    "exact_match",
    "noam_rate",
    "share_right",
    "train",
    "training_step",
    "translation_batch",
    "warmup_cosine",
]
