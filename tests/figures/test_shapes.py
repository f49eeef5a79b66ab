import pytest

from helpers.drawn import texts
from ninelives.figures import shape_diagram

STATIONS = [("x", "(B, T, C)", "Comes in."), ("scores", "(B, H, T, T)", "Query times key.")]


def test_the_diagram_names_every_station_with_its_shape():
    assert {"x", "(B, T, C)", "scores", "(B, H, T, T)", "Query times key."} <= set(
        texts(shape_diagram(STATIONS, caption="c"))
    )


def test_the_words_go_from_station_to_station():
    assert shape_diagram(STATIONS, caption="c", title="Attention").alt == (
        "Attention: 2 stations joined by arrows from top to bottom. "
        "1. x (B, T, C): Comes in. 2. scores (B, H, T, T): Query times key."
    )


def test_no_station_and_a_station_with_two_parts_are_refused():
    with pytest.raises(ValueError, match="stations is empty"):
        shape_diagram([], caption="c")
    with pytest.raises(ValueError, match=r"Station 1 has 2 parts, \('y', '\(T,\)'\)"):
        shape_diagram([STATIONS[0], ("y", "(T,)")], caption="c")
