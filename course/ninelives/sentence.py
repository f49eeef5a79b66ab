"""Text as a notebook shows it: errors as their sentence, and lines that break between words."""

import textwrap

WIDTH = 100  # columns


def wrapped(text: str, indent: str = "") -> list[str]:
    """The lines of a text, broken between words; those after the first are indented.

    JupyterLab breaks a line that is too long for the page anywhere, even inside a word.
    """
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


class ShownAsSentence:
    """A base of an exception: IPython shows its message alone, which says what happened and what to do."""

    def _render_traceback_(self) -> list[str]:
        """IPython shows this instead of a traceback."""
        return wrapped(str(self))
