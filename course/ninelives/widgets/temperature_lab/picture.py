"""The still picture of a temperature lab."""

from dataclasses import replace

from ninelives.figures import Picture, distribution
from ninelives.widgets.temperature_lab.in_words import ENDED, has_ended, reading, settings, text_so_far
from ninelives.widgets.words_alone import words_alone

MOST_WORDS = 6  # in the title


def still_picture(lab) -> Picture:
    """The likeliest words, or the end of the text."""
    words = text_so_far(lab).split(" ")
    last_words = f"{'… ' * (len(words) > MOST_WORDS)}{' '.join(words[-MOST_WORDS:])}"
    if has_ended(lab):
        return words_alone(last_words, title="Nothing follows", note=ENDED, caption=ENDED, alt=lab.describe())
    bars = distribution(
        lab.probabilities(), lab.vocabulary, title=f"After “{last_words}”, {settings(lab)}", caption=reading(lab))
    return replace(bars, alt=lab.describe())
