"""The entries of a history, and what is measured in them."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

OWN_KEYS = ("step", "loss", "rate", "seconds")  # what `train` writes; everything else comes from `evaluate`


def plain(entry: Any) -> dict:
    """An entry as JSON can hold it: NaN and infinity become None. Raises ValueError for what is not an entry."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("step"), int) or "loss" not in entry:
        raise ValueError(f"{entry!r} is no entry of a history: pass a dict with at least 'step' and 'loss'.")
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in entry.items()}


def measures_in(entries: Iterable[Mapping]) -> list[str]:
    """The names of the numbers that `evaluate` returned, in the order in which they first occur."""
    found = dict.fromkeys(
        key for entry in entries for key, value in entry.items()
        if key not in OWN_KEYS and isinstance(value, int | float) and not isinstance(value, bool)
    )
    return list(found)


def entry_read(monitor) -> dict | None:
    """The entry at the cursor: the last one that is not after it."""
    before = [entry for entry in monitor.entries if monitor.cursor is None or entry["step"] <= monitor.cursor]
    return before[-1] if before else None


def shown_histories(monitor) -> dict[str, list[dict]]:
    """Name to entries, without the hidden trainings."""
    histories = {monitor.name: monitor.entries, **monitor.beside}
    return {name: entries for name, entries in histories.items() if name not in monitor.hidden}


def histories_beside(name: str, beside: Mapping[str, Iterable[Mapping]] | None, most: int) -> dict[str, list[dict]]:
    """The earlier trainings as JSON can hold them. Raises ValueError for one of the same name, and for too many."""
    earlier = {str(other): [plain(entry) for entry in history] for other, history in (beside or {}).items()}
    if name in earlier:
        raise ValueError(f"beside holds a training called {name!r} too; give this one another name.")
    if len(earlier) > most:
        raise ValueError(f"beside holds {len(earlier)} trainings; at most {most} can be told apart from this one.")
    return earlier
