import base64

import pytest
from traitlets import TraitError

from ninelives.widgets import Choice
from ninelives.widgets.choice.in_words import verdict

QUESTION = "What does `softmax` give for scores that are all alike?"
OPTIONS = {
    "Zeros": "The weights of a softmax add up to 1.",
    "Uniform weights": "Equal scores have equal powers, so each word gets the same share.",
    "`nan`": "Only a row of −∞ gives NaN.",
}


@pytest.fixture
def choice():
    return Choice(QUESTION, OPTIONS, answer="Uniform weights")


def test_before_a_choice_the_words_hold_the_question_and_its_options_and_no_answer(choice):
    assert choice.describe() == (
        "What does softmax give for scores that are all alike? The options: (1) Zeros; (2) Uniform weights; (3) nan. "
        "Nothing is chosen yet."
    )
    assert repr(choice) == "Choice(What does softmax give for scores that are all alike? nothing chosen)"


def test_after_a_choice_the_words_hold_what_was_chosen_and_why_it_is_right_or_not(choice):
    choice.chosen = 0
    assert choice.describe().endswith("Chosen: (1). Not this one. The weights of a softmax add up to 1.")
    assert OPTIONS["Uniform weights"] not in choice.describe()
    choice.chosen = 1
    assert choice.describe().endswith(f"Chosen: (2). Right. {OPTIONS['Uniform weights']}")


def test_the_browser_says_the_same_verdicts(choice, same_in_javascript):
    cases = []
    for chosen in (None, 0, 1):
        other = Choice(QUESTION, OPTIONS, answer="Uniform weights")
        other.chosen = chosen
        cases.append((other, {"verdict": verdict(other)}))
    same_in_javascript("choice", cases)


def test_the_picture_changes_with_the_choice(choice):
    pictures = [choice.picture().png()]
    for chosen in (0, 1):
        choice.chosen = chosen
        pictures.append(choice.picture().png())
    assert len(set(pictures)) == 3


def test_a_cell_that_shows_it_keeps_what_is_chosen(choice, monkeypatch):
    shown = []
    monkeypatch.setattr("ninelives.widgets.lab_widget.display", lambda data, **how: shown.append((data, how)))
    choice.chosen = 0
    assert shown == []  # nobody has shown it yet
    choice._ipython_display_()
    choice.chosen = 2
    [*_, (picture, first), (words, second)] = shown
    assert first["update"] and second["update"]
    assert [first["display_id"], second["display_id"]] == [how["display_id"] for _, how in shown[:2]]
    assert base64.b64decode(picture["image/png"]).startswith(b"\x89PNG")
    assert "Chosen: (3). Not this one. Only a row of −∞ gives NaN." in words["text/markdown"]


def test_what_is_no_question_is_refused():
    with pytest.raises(ValueError, match="answer is 'Ones', which is none of the options: 'Zeros', 'Uniform weights'"):
        Choice(QUESTION, OPTIONS, answer="Ones")
    with pytest.raises(ValueError, match="there are 1 options; a question has 2 to 6"):
        Choice(QUESTION, {"Zeros": "It is the only one."}, answer="Zeros")


def test_an_option_that_does_not_exist_is_refused(choice):
    with pytest.raises(TraitError, match="chosen is 3, but the 3 options are counted from 0 to 2"):
        choice.chosen = 3
    choice.chosen = None
