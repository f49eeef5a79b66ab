"""How a widget says whose function it shows, and whether the learner's agrees. The browser says the same; see js/yours.js.

`name` is that of the function, `shown` what a widget calls its own picture ("the bars").
"""


class CannotBeShown(Exception):
    """What a learner's function gave does not fit the widget. The message continues a sentence: "gives the shape …"."""


def why_not(error: Exception) -> str:
    """Why the learner's function cannot be shown, as the end of a sentence that begins with "yours"."""
    if isinstance(error, CannotBeShown):
        return str(error)
    if isinstance(error, NotImplementedError):
        return "is not written yet."
    return f"raises {type(error).__name__}: {error}"


def stands_in(name: str, why: str = "") -> str:
    """The package's function is shown; `why` as `why_not` gives it, or empty where the widget was given no other."""
    return f"The package's {name} is shown; yours {why}" if why else f"The package's {name} is shown, not yours."


def agrees(name: str, shown: str) -> str:
    return f"Your {name} agrees with {shown}."


def differs(name: str, shown: str, how: str) -> str:
    """`how`: where, or by how much, such as "in 16 cells"."""
    return f"Your {name} differs from {shown} {how}."
