import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from ninelives import widgets
from ninelives.figures import heatmap
from ninelives.figures.masks import MASK_MAP
from ninelives.figures.style import (
    BLUE,
    DARK_THEME,
    PALETTE,
    SIGNED_MAP,
    WEIGHTS_MAP,
    contrast,
    in_dark_theme,
    luminance,
    number_repeats,
    text_on,
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


@pytest.mark.parametrize("colour_map", [WEIGHTS_MAP, SIGNED_MAP, MASK_MAP], ids=lambda colour_map: colour_map.name)
def test_text_can_be_read_on_every_step_of_a_map_in_both_themes(colour_map):
    steps = colour_map(np.arange(colour_map.N))
    texts = [arguments["color"] for arguments in text_on(colour_map)]
    rims = [arguments["path_effects"] for arguments in text_on(colour_map)]
    behind = [rim[0]._gc["foreground"] if rim else step for step, rim in zip(steps, rims, strict=True)]
    assert contrast(texts, behind).min() >= 4.5
    assert contrast(in_dark_theme(texts), in_dark_theme(behind)).min() >= 4.5
    assert sum(map(bool, rims)) < 0.3 * colour_map.N


def test_the_widgets_and_the_pictures_have_one_dark_theme():
    assert DARK_THEME == "invert(93%) hue-rotate(180deg)"  # what in_dark_theme computes
    styles = [file.read_text() for file in Path(widgets.__file__).parent.glob("**/*.css")]
    assert {line for css in styles for line in re.findall(r"filter: (invert.*?);", css)} == {DARK_THEME}


def test_white_black_and_blue_are_in_the_dark_theme_what_chromium_shows():
    assert (in_dark_theme(["#ffffff", "#000000", BLUE]) * 255).round() == pytest.approx(np.array(
        [[18, 18, 18], [237, 237, 237], [75, 173, 228]]))


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
