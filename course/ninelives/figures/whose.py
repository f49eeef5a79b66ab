"""Whose part a picture or a widget shows."""

from typing import Any

PACKAGE = __name__.partition(".")[0]


def is_the_packages(part: Any) -> bool:
    """Whether a class, a function, a method or an object was written in the package and not by a learner.

    A method that a learner's class inherits from the package is the package's.
    """
    written = part if hasattr(part, "__name__") else type(part)
    return getattr(written, "__module__", "").partition(".")[0] == PACKAGE


def whose(part: Any) -> str:
    """What to call a part in a label: "your Encoder" or "the package's Encoder"."""
    name = getattr(part, "__name__", type(part).__name__)
    return f"the package's {name}" if is_the_packages(part) else f"your {name}"
