"""The curves of trainings, one JSON file each (`Run.to_json`), so that notebooks can show them without training."""

from pathlib import Path

from ninelives.training import Run

FOLDER = Path(__file__).parent


def load(name: str) -> Run:
    """The run that `save` wrote under this name."""
    return Run.load(FOLDER / f"{name}.json")


def save(name: str, run: Run) -> None:
    """Save a run for `load`."""
    (FOLDER / f"{name}.json").write_text(run.to_json() + "\n", encoding="utf-8")


def names() -> list[str]:
    """The names of all curves, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))
