import matplotlib
import numpy as np
import pytest

from ninelives.figures import heatmap
from ninelives.figures.style import (
    PALETTE,
    SIGNED_MAP,
    WEIGHTS_MAP,
    ink_on,
    luminance,
    number_repeats,
    visible,
)


def test_repeated_words_are_numbered_and_others_are_not():
    assert number_repeats(["the", "cat", "the"]) == ["the₁", "cat", "the₂"]
    assert number_repeats(["pad"] * 11)[-1] == "pad₁₁"


def test_numbering_twice_changes_nothing():
    once = number_repeats("the cat saw the cat".split())
    assert number_repeats(once) == once


def test_the_weights_map_starts_white_and_only_gets_darker():
    lightness = [luminance(WEIGHTS_MAP(x)) for x in np.linspace(0, 1, 50)]
    assert lightness[0] == pytest.approx(1)
    assert (np.diff(lightness) < 0).all()


def test_the_signed_map_is_white_at_zero_and_equally_dark_at_both_ends():
    assert luminance(SIGNED_MAP(0.5)) > 0.98
    assert abs(luminance(SIGNED_MAP(0.0)) - luminance(SIGNED_MAP(1.0))) < 0.03


@pytest.mark.parametrize("colour_map", [WEIGHTS_MAP, SIGNED_MAP])
def test_a_number_contrasts_with_its_cell_at_every_shade(colour_map):
    for x in np.linspace(0, 1, 64):
        paper, ink = sorted([luminance(colour_map(x)), luminance(ink_on(colour_map(x)))])
        assert (ink + 0.05) / (paper + 0.05) > 3.9


def test_line_colours_are_all_different():
    assert len(set(PALETTE)) == len(PALETTE) >= 6


def test_outer_spaces_become_visible_and_long_words_are_cut():
    assert visible(" cat") == "␣cat"
    assert visible("\n") == "⏎"
    assert visible("row 3") == "row 3"
    assert len(visible("x" * 50)) == 16


def test_the_learners_style_does_not_affect_the_pictures():
    plain = heatmap([[1.0]], ["cat"], title="One", caption="c").png()
    with matplotlib.rc_context({"figure.facecolor": "black", "text.color": "white",
                                "font.family": "serif", "axes.facecolor": "black"}):
        assert heatmap([[1.0]], ["cat"], title="One", caption="c").png() == plain
