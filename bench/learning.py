"""How long until "it" is understood: `python bench/learning.py`.

Trains the recipes of notebook 9's ladder from nothing, one after the other, on
the same sentences, until 99 % of the held-out translations are right, and says
when 80 % were reached. "words" is the recipe that this course began with; "all six", its larger one,
takes an hour and is left out unless it is named.
"""

import argparse
import math
from dataclasses import replace
from statistics import median

from table import as_table, machine, publish

from ninelives.recipes.ladder import RUNGS, SENTENCES, model_of, tokenizer_of
from ninelives.text import sentences
from ninelives.text.grammar import HINTS
from ninelives.training.accuracy import exact_match
from ninelives.training.batches import drawn_from
from ninelives.training.loop import train

MARKS = (0.8, 0.99)
# The START needs more than the 2,000 steps it has in the notebook. Schedules that come down keep their length.
MOST_STEPS = 10_000


class Marks:
    """A monitor that notes the step and the second at which each of MARKS is passed; stops after the last."""

    def __init__(self, name: str) -> None:
        self.name, self.passed = name, {}

    def stopped(self, step: int, seconds: float) -> bool:
        return len(self.passed) == len(MARKS)

    def __call__(self, entry: dict) -> None:
        for mark in MARKS:
            if entry["sentences right"] >= mark:
                self.passed.setdefault(mark, (entry["step"], entry["seconds"]))
        print(f"{self.name}: step {entry['step']:,}, {entry['exact_match']:.1%}, {entry['seconds']:.0f} s", flush=True)


def climb(name: str, seed: int) -> dict[float, tuple[float, float]]:
    """Mark to (step, second) at which it was passed; infinite where it never was."""
    rung = RUNGS[name]
    steps = MOST_STEPS if rung.recipe.schedule == "constant" else rung.recipe.max_iters
    recipe = replace(rung.recipe, seed=seed, max_iters=steps, eval_every=50)
    rung = replace(rung, recipe=recipe)
    tokenizer, held_out, marks = tokenizer_of(rung), sentences("held out", 400), Marks(f"{name}, seed {seed}")
    train(
        model_of(rung, tokenizer), drawn_from(sentences("train", SENTENCES, **HINTS), tokenizer), recipe,
        evaluate=lambda model: {"sentences right": exact_match(model, tokenizer, held_out)}, monitor=marks,
    )
    return {mark: marks.passed.get(mark, (math.inf, math.inf)) for mark in MARKS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=["words", "quick"], choices=list(RUNGS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    found = {name: [] for name in asked.names}
    for seed in asked.seeds:
        for name in asked.names:
            found[name].append(climb(name, seed))
    rows = []
    for name in asked.names:
        row = [name]
        for mark in MARKS:
            steps, seconds = (median(climbed[mark][i] for climbed in found[name]) for i in (0, 1))
            peer = median(climbed[mark][1] for climbed in found[asked.names[0]])
            row += [f"{steps:,.0f}", f"{seconds:.0f}", f"{peer / seconds:.1f}"]
        rows.append(row)
    header = ["rung"] + [f"{what} to {mark:.0%}" for mark in MARKS for what in ("steps", "seconds", "times sooner,")]
    publish("learning", f"""## Learning

`python bench/learning.py`: training from nothing until the share of held-out translations that are right to the last word passes 80 and 99 %, measured every 50 steps, the measuring included. Medians of {len(asked.seeds)} seeds, trained in turn; times sooner than {asked.names[0]}. {machine()}.

{as_table(header, rows)}
""")


if __name__ == "__main__":
    main()
