"""The widget itself: a question, its options, and which of them is chosen."""

from collections.abc import Mapping

import traitlets as t

from ninelives.figures import Picture
from ninelives.widgets.choice import in_words
from ninelives.widgets.choice.picture import still_picture
from ninelives.widgets.lab_widget import COLOURS, LabWidget, browser_code, browser_style

FEWEST, MOST = 2, 6


class Choice(LabWidget):
    """A question with options of which one is right; each says why, or why not, after it has been chosen.

    `options` maps each option to its explanation, which is read after "Right." or "Not this one."; `answer` is the right
    option. `Words in backticks` are shown as code. One may choose as often as one likes.

    The trait `chosen`, the number of the option counted from 0, or None, is synced, so it can be set, observed and
    linked. What is chosen is kept in the notebook when it is saved; the answer is not.

    Raises ValueError for too few or too many options and for an answer that is none of them, and TraitError for an option
    that does not exist.
    """

    _esm = browser_code("choice")
    _css = browser_style("choice")

    question = t.Unicode().tag(sync=True)
    options = t.List(t.Unicode()).tag(sync=True)
    explanations = t.List(t.Unicode()).tag(sync=True)
    answer = t.Int().tag(sync=True)
    chosen = t.Int(None, allow_none=True).tag(sync=True)
    colours = t.Dict().tag(sync=True)

    def __init__(self, question: str, options: Mapping[str, str], answer: str):
        if not FEWEST <= len(options) <= MOST:
            raise ValueError(f"there are {len(options)} options; a question has {FEWEST} to {MOST}.")
        if answer not in options:
            raise ValueError(f"answer is {answer!r}, which is none of the options: {', '.join(map(repr, options))}.")
        super().__init__(
            question=question, options=list(options), explanations=list(options.values()),
            answer=list(options).index(answer), colours=COLOURS,
        )
        self.observe(self._update_still, "chosen")

    @t.validate("chosen")
    def _exists(self, proposal) -> int | None:
        value, count = proposal["value"], len(self.options)
        if value is not None and not 0 <= value < count:
            raise t.TraitError(f"chosen is {value}, but the {count} options are counted from 0 to {count - 1}.")
        return value

    def describe(self) -> str:
        """The question, its options, and what was chosen with its explanation, in words."""
        return in_words.described(self)

    def picture(self) -> Picture:
        """Question and options as a still picture, with the explanation of the one that is chosen."""
        return still_picture(self)

    def __repr__(self) -> str:
        chosen = "nothing chosen" if self.chosen is None else f"chosen: {self.options[self.chosen]}"
        return f"Choice({in_words.plain(self.question)} {in_words.plain(chosen)})"
