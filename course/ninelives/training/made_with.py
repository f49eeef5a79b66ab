"""Whose pieces made the steps of a training run: what a learner is told who comes back to it."""

from ninelives.training.recipe import Run


def whose_steps(run: Run) -> list[str]:
    """A sentence for each stretch of steps that were made with the same pieces."""
    stretches = [{"from_step": 1, "pieces": {}}, *run.made_with]
    ends = [each["from_step"] - 1 for each in run.made_with] + [run.step]
    return [
        f"Steps {each['from_step']:,} to {end:,}: {said_of(each['pieces'])}." if end > each["from_step"]
        else f"Step {end:,}: {said_of(each['pieces'])}."
        for each, end in zip(stretches, ends) if end >= each["from_step"]
    ]


def said_of(pieces: dict[str, str]) -> str:
    """Which of the pieces were the package's."""
    packages = [name for name, owner in pieces.items() if owner != "yours"]
    if not pieces:
        return "with whose pieces was not recorded"
    if not packages:
        return "made with your own pieces alone"
    if len(packages) == len(pieces):
        return "made with the package's pieces alone"
    *others, last = packages
    named = f"{', '.join(others)} and {last}" if others else last
    return f"made with the package's {named}; the other pieces were yours"
