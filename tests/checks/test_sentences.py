"""The list of causes that test_causes.py wants proved is complete, and holds nothing else."""

import pytest

from helpers.sentences import quoted, sentences_in

SOURCE = '''
"""Notebook 0: what its checks do."""
HINTS = {"an error": "a hint explains it."}
wanted = "not a cause."

@exercise.mistake("values", "a mistake has its cause.")
def mistaken(x):
    """No cause either."""
    return x

def check(answer):
    print("Not printed as a cause.")
    if not answer:
        raise CheckFailed("what was seen.", f"what {answer} wanted.", "one thing." if answer is None else f"{answer} of two things.")
    want_values(answer, what="the result.", otherwise="otherwise this.", caption="A caption.")
    causes = {(1, 2): "a shape has a cause.", "a sentence as a key.": 1}
    raise ValueError("an error of our own.")
'''


def test_every_string_that_may_be_a_cause_is_found_and_no_other():
    assert ["…".join(each.parts) for each in sentences_in(SOURCE, "nothing")] == [
        "a hint explains it.", "a mistake has its cause.", "one thing.", "… of two things.", "otherwise this.",
        "a sentence as a key.", "a shape has a cause.",
    ]


@pytest.mark.parametrize(("cause", "said"), [
    ("three of two things.", True), ("3\n of two things.", True), ("of two things", False), ("one thing.", False)])
def test_the_values_of_a_sentence_may_be_anything(cause, said):
    [sentence] = [each for each in sentences_in(SOURCE, "nothing") if len(each.parts) > 1]
    assert sentence.is_said_by(cause) is said


def test_words_quote_the_only_sentence_that_holds_them():
    assert quoted("position and token are swa").parts == ("position and token are swapped.",)
    assert quoted("the") is None  # of many sentences
    assert quoted("no check says this") is None
