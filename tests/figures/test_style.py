import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgba_array

from ninelives import widgets
from ninelives.figures import heatmap
from ninelives.figures.cells import NO_NUMBER
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
    missing_letters,
    number_repeats,
    text_on,
    visible,
)
from ninelives.widgets.attention_explorer.encoding import SHADES
from ninelives.widgets.lab_widget import SIGNED


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


NOTICEABLE = 2.3  # the least difference in CIELAB that people see (Mahy, Van Eycken and Oosterlinck 1994)
# What people without one kind of cones see of linear red, green and blue: Machado, Oliveira and Fernandes (2009), severity 1.
VISION = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])  # of linear sRGB


def in_cielab(colours, vision):
    rgb = to_rgba_array(colours)[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = (linear @ np.transpose(VISION[vision])).clip(0, 1) @ XYZ.T / XYZ.sum(1)
    x, y, z = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


@pytest.mark.parametrize("theme", [to_rgba_array, in_dark_theme], ids=["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_neighbouring_steps_of_a_map_stay_apart_for_the_colour_blind(vision, theme):
    def apart(colours, others):
        return np.linalg.norm(in_cielab(theme(colours), vision) - in_cielab(theme(others), vision), axis=1).min() / NOTICEABLE

    ninths = np.linspace(0, 1, 9)
    for weights in (WEIGHTS_MAP(ninths), np.array(SHADES)[np.linspace(0, 255, 9).round().astype(int)]):
        assert apart(weights[1:], weights[:-1]) > 3
    for signed in (SIGNED_MAP(ninths), np.array(SIGNED)[np.linspace(0, 254, 9).round().astype(int)]):
        assert apart(signed[1:], signed[:-1]) > 5
        assert apart(signed[:4], signed[:4:-1]) > 10  # -x and x
    assert apart(MASK_MAP([0]), MASK_MAP([1])) > 20
    one, other = np.triu_indices(len(PALETTE), 1)
    assert apart(np.array(PALETTE)[one], np.array(PALETTE)[other]) > 5
    for map_ in (WEIGHTS_MAP, SIGNED_MAP):  # a masked cell looks like no weight
        assert apart(map_(np.arange(map_.N)), [NO_NUMBER] * map_.N) > 4


def test_a_masked_cell_has_one_gray_in_widgets_and_pictures():
    pixels = Path(widgets.__file__).with_name("attention_explorer") / "pixels.js"
    assert re.search('GRAY = "(.*?)"', pixels.read_text())[1] == NO_NUMBER


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


def test_letters_that_no_font_has_are_spoken_of():
    assert missing_letters(["cat", "", "قطة", "a\nb", " x"]) == ""
    assert missing_letters(["cat", "\ue123"]).startswith("Boxes are letters that no font here has")
