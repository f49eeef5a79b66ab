"""What learners may have of an assignment that was changed after it was given out.

A learner who has the notebook of before is not told that a check "was changed" or "was missing".
"""

import json
from pathlib import Path

from ninelives.grading.folders import replacing

FILE = ".earlier-texts"


def add_earlier_texts(journal: Path, texts: dict[str, str], added: list[str]) -> None:
    """Remember how cells were given out before, and which cells are new since.

    Args:
        texts: {cell's name: its text as learners may have it}.
        added: names of cells that notebooks handed out before do not have.
    """
    known = earlier_texts(journal)
    for name, text in texts.items():
        known[name] = list(dict.fromkeys([*known.get(name, []), text]))
    for name in added:
        known[name] = list(dict.fromkeys([*known.get(name, []), None]))
    with replacing(journal / FILE) as new:
        new.write_text(json.dumps(known, indent=1), encoding="utf-8")


def earlier_texts(journal: Path) -> dict[str, list[str | None]]:
    """For each changed cell the texts that were given out before; None among them: there was no such cell."""
    try:
        return json.loads((journal / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
