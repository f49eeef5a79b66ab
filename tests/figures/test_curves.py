import numpy as np
import pytest

from helpers.drawn import texts
from ninelives.figures import curves
from ninelives.figures.curves import LABEL_PITCH, _spread
from ninelives.figures.style import WIDTH, extent

NAMES = {"x_label": "step", "y_label": "loss", "title": "Loss", "caption": "c"}


def test_every_line_is_named_at_its_end_and_described():
    picture = curves({"words": ([0, 1, 2], [4, 1, 2]), "bytes": ([0, 1], [5.0, 3.5])}, **NAMES)
    assert {"words", "bytes", "step", "loss", "Loss"} <= set(texts(picture))
    assert picture.alt == (
        "Loss: 2 lines, loss against step. words: from 4 at 0 to 2 at 2, lowest 1 at 1. "
        "bytes: from 5 at 0 to 3.5 at 1."
    )


def test_a_long_name_is_drawn_whole_and_the_picture_is_no_wider_than_a_column():
    names = ["the package's Decoder", "keys and values kept", "best honest loss"]
    picture = curves({name: ([0, 1], [k, k]) for k, name in enumerate(names)}, **NAMES)
    assert set(names) <= set(texts(picture))
    assert extent(picture.figure).width <= WIDTH


def test_lines_differ_in_colour_and_marker():
    axes = curves({str(i): ([0, 1], [i, i]) for i in range(7)}, **NAMES).figure.axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 2]
    assert len({line.get_marker() for line in lines}) == 7
    assert len({line.get_color() for line in lines}) == 7


def test_names_that_would_collide_are_moved_apart():
    heights = np.sort(_spread([1.0, 1.0, 1.01, 2.5]))
    assert (np.diff(heights) >= LABEL_PITCH - 1e-9).all()
    assert heights[-1] == 2.5


def test_one_point_can_be_drawn():
    alt = curves({"a": ([3], [0.5])}, **NAMES).alt
    assert alt.endswith("1 line, loss against step. a: 0.5 at 3.")


@pytest.mark.parametrize(
    "series, message",
    [
        ({}, "series is empty"),
        ({str(i): ([0], [0]) for i in range(8)}, "series holds 8 lines; at most 7"),
        ({"a": ([0, 1], [0])}, "series\\['a'\\] has 2 numbers in x and 1 in y"),
        ({"a": [1, 2, 3]}, r"series\['a'\] must be a pair"),
        ({"a": ([0, 1], [0, float("nan")])}, "y of 'a' holds NaN"),
        ({"a": ([[0, 1]], [0, 1])}, "x of 'a' has 2 dimensions"),
    ],
)
def test_bad_input_is_refused(series, message):
    with pytest.raises(ValueError, match=message):
        curves(series, **NAMES)
