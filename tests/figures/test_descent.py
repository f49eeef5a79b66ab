import pytest

from helpers.drawn import texts
from ninelives.figures import descent

NAMES = {"x_label": "weight", "title": "Three rates", "caption": "c"}


def test_each_path_has_a_panel_and_is_told_from_its_first_point_to_its_last():
    picture = descent(lambda w: w**2, {"small": [2.0, 1.5, 1.0], "large": [2.0, -3.0, 4.0]}, **NAMES)
    assert {"small", "large", "weight", "loss", "Three rates"} <= set(texts(picture))
    assert picture.alt == (
        "Three rates. small: weight from 2 to 1, loss from 4 to 1 after 2 steps. "
        "large: weight from 2 to 4, loss from 4 to 16 after 2 steps.")
    left, right = picture.figure.axes
    assert left.get_xlim() == right.get_xlim() and left.get_ylim() == right.get_ylim()


@pytest.mark.parametrize(("paths", "says"), [
    ({}, "paths holds 0 paths"),
    ({str(k): [1, 2] for k in range(4)}, "paths holds 4 paths"),
    ({"a": [1.0]}, "the path 'a' holds 1 point"),
    ({"a": [1.0, float("nan")]}, "the path 'a' holds NaN"),
])
def test_what_cannot_be_drawn_is_refused(paths, says):
    with pytest.raises(ValueError, match=says):
        descent(lambda w: w**2, paths, **NAMES)
