import pytest

from helpers.drawn import texts
from ninelives.figures import describe_training, training_curves

WORDS = [{"step": 100, "loss": 2.5, "accuracy": 0.1}, {"step": 200, "loss": 1.5, "accuracy": 0.625}]
LETTERS = [{"step": 100, "loss": 3.0, "accuracy": 0.0}, {"step": 200, "loss": None, "accuracy": 0.25}, {"step": 300, "loss": 2.0}]


def test_each_training_is_a_line_in_both_panels_and_described():
    picture = training_curves({"words": WORDS, "letters": LETTERS}, title="Two trainings", caption="c")
    loss, accuracy = picture.figure.axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [[2.5, 1.5], [3.0, 2.0]]
    assert [line.get_xdata().tolist() for line in accuracy.lines[:2]] == [[100, 200], [100, 200]]
    assert {"words", "letters", "loss", "accuracy", "Two trainings"} <= set(texts(picture))
    assert picture.alt == (
        "Two trainings: loss and accuracy against the step. words: loss from 2.5 at step 100 to 1.5 at step 200, accuracy from 0.1 at "
        "step 100 to 0.625 at step 200. letters: loss from 3 at step 100 to 2 at step 300, accuracy from 0 at step 100 to 0.25 at step 200."
    )


def test_a_training_without_an_entry_is_named_and_has_no_line():
    picture = training_curves({"words": []}, title="t", caption="c")
    assert "nothing yet" in texts(picture)
    assert picture.alt.endswith("words: nothing yet.")
    picture.png()


def test_another_measure_is_drawn_where_it_is_known():
    picture = training_curves({"words": [{"step": 5, "loss": 1.0, "bonus": 0.5}]}, "bonus", title="t", caption="c")
    assert picture.figure.axes[1].get_ylabel() == "bonus"
    assert describe_training("words", [{"step": 5, "loss": 1.0, "bonus": 0.5}], "bonus") == "words: loss 1 at step 5, bonus 0.5 at step 5."


def test_more_trainings_than_can_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="holds 8 trainings; at most 7"):
        training_curves({str(k): WORDS for k in range(8)}, title="t", caption="c")


def test_of_two_equal_trainings_the_first_is_visible():
    loss, _ = training_curves({"yours": WORDS, "saved": WORDS}, title="t", caption="c").figure.axes
    yours, saved = loss.lines
    assert yours.get_zorder() > saved.get_zorder() > loss.yaxis.get_gridlines()[0].get_zorder()
