import random

import pytest

from ninelives.text.addition import FORMATS, HELD_OUT, NUMBERS, carries, held_out

SUMS = [(0, 0), (7, 64), (64, 7), (457, 543), (999, 999), (100, 20), (5, 5)]


@pytest.mark.parametrize("name", FORMATS)
def test_a_written_sum_can_be_read_back_token_by_token(name):
    form = FORMATS[name]
    for a, b in SUMS + [tuple(random.Random(i).sample(range(NUMBERS), 2)) for i in range(200)]:
        answer = form.answer(a, b)
        assert form.read(answer) == a + b
        assert form.tokenizer.decode(form.tokenizer.encode(answer)) == answer
        question = form.question(a, b)
        assert form.tokenizer.decode(form.tokenizer.encode(question)).split() == question.split()


@pytest.mark.parametrize(
    ("name", "question", "answer"),
    [
        ("whole numbers", "7 + 64 = ", "71"),
        ("padded", "007+064=", "0071"),
        ("padded, reversed", "007+064=", "1700"),
        ("plain", "7+64=", "71"),
        ("reversed", "7+64=", "17"),
    ],
)
def test_each_format_writes_a_sum_in_its_own_way(name, question, answer):
    assert (FORMATS[name].question(7, 64), FORMATS[name].answer(7, 64)) == (question, answer)


def test_only_padded_sums_all_have_the_same_length():
    lengths = {name: {len(form.question(a, b) + form.answer(a, b)) for a, b in SUMS} for name, form in FORMATS.items()}
    assert {name for name, found in lengths.items() if len(found) == 1} == {"padded", "padded, reversed"}


@pytest.mark.parametrize("number", [-1, 1000])
def test_a_number_out_of_range_is_refused(number):
    with pytest.raises(ValueError, match=f"{number} is not from 0 to 999"):
        FORMATS["plain"].question(1, number)


@pytest.mark.parametrize("answer", ["", "+", "1=2", "12+"])
def test_an_answer_that_is_not_a_number_is_read_as_none(answer):
    assert FORMATS["plain"].read(answer) is None


@pytest.mark.parametrize(("sum_", "times"), [((123, 456), 0), ((5, 5), 1), ((578, 422), 3), ((999, 1), 3), ((999, 999), 3), ((190, 20), 1)])
def test_carries_are_counted_as_on_paper(sum_, times):
    assert carries(*sum_) == carries(*reversed(sum_)) == times


def test_the_held_out_sums_are_always_the_same_and_no_pair_occurs_twice():
    sums = held_out()
    assert sums == held_out() and len(sums) == HELD_OUT
    assert len({frozenset(pair) for pair in sums}) == HELD_OUT
    assert all(0 <= number < NUMBERS for pair in sums for number in pair)
