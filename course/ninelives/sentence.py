"""Errors that a notebook shows as their sentence, without a traceback."""

import textwrap


class ShownAsSentence:
    """A base of an exception: IPython shows its message alone, which says what happened and what to do."""

    def _render_traceback_(self) -> list[str]:
        """IPython shows this instead of a traceback."""
        return textwrap.wrap(str(self), 100, break_long_words=False, break_on_hyphens=False)
