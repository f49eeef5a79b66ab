from functools import partial

import pytest
import torch
from torch import nn

from ninelives.checks.exercise import CheckFailed, Exercise, ids, on_layers_of, run, same_values, want_shape
from ninelives.figures import Picture, wanted_and_yours


@pytest.fixture
def exercise():
    """Two aspects that refuse what does not double its argument."""
    doubled = Exercise("double")

    @doubled.aspect("shape")
    def keeps_the_shape(answer, seed):
        want_shape(run(answer, torch.randn(3)), (3,), "(T,)", "the result", causes={(1, 3): "a row is not a vector."})

    @doubled.aspect("values")
    def doubles_each_number(answer, seed):
        x = torch.randn(3)
        if not same_values(run(answer, x), 2 * x):
            raise CheckFailed(
                "other numbers.", "twice x.", "multiply by 2.",
                picture=lambda: wanted_and_yours(2 * x, x, caption="Wanted, and yours"),
            )

    return doubled


def double(x):
    return 2 * x


def triple(x):
    return 3 * x


def test_a_failure_says_what_was_seen_what_was_wanted_and_the_likely_cause(exercise):
    with pytest.raises(CheckFailed) as caught:
        exercise(lambda x: x.unsqueeze(0))
    assert str(caught.value).strip().split("\n") == [
        "seen:   the result has shape (1, 3).",
        "  wanted: (3,), that is (T,).",
        "  likely: a row is not a vector.",
    ]


def test_every_aspect_that_passes_gets_a_line_of_its_own(exercise, capsys):
    exercise(double)
    assert capsys.readouterr().out == "double passes the check 'shape'.\ndouble passes the check 'values'.\n"


def test_one_aspect_can_be_checked_alone(exercise, capsys):
    exercise(triple, "shape")
    assert capsys.readouterr().out == "double passes the check 'shape'.\n"


def test_a_check_that_cannot_go_on_says_so_instead_of_breaking(exercise):
    @exercise.aspect("sum")
    def adds_what_does_not_fit(answer, seed):
        return answer(torch.ones(3)) + torch.ones(4)

    with pytest.raises(CheckFailed, match=r"this check cannot go on \(RuntimeError: The size of tensor a") as caught:
        exercise(double, "sum")
    assert caught.value.cause.startswith("print the shapes before that line")
    assert exercise.first_failure(double)[0] == "sum"
    with pytest.raises(CheckFailed, match="first fix what the check 'values' reports."):
        exercise(triple, "sum")


def test_a_later_check_points_to_the_first_that_refuses_the_answer_as_well(exercise):
    @exercise.aspect("sign")
    def keeps_the_sign(answer, seed):
        if (run(answer, torch.ones(3)) < 0).any():
            raise CheckFailed("below 0.", "above 0.", "do not subtract.")

    assert exercise.refusal("sign", lambda x: -x).cause == "do not subtract."
    with pytest.raises(CheckFailed) as caught:
        exercise(lambda x: -x, "sign")
    assert (caught.value.seen, caught.value.cause) == ("below 0.", "first fix what the check 'values' reports.")
    with pytest.raises(CheckFailed) as caught:  # the same cause needs no pointer
        exercise(lambda x: x.view(7), "sign")
    assert caught.value.cause.startswith("print the shapes before that line")


def test_a_later_check_names_a_registered_mistake_of_its_own(halved):
    @halved.aspect("again")
    def halves_once_more(answer, seed):
        x = torch.ones(2, 3)
        halved.want_values(run(answer, x), x / 2, (x,), what="the result", otherwise="halve it.", caption="Halves")

    halved.mistake("again", "it is four times too large.")(lambda x: 4 * x / 2)
    with pytest.raises(CheckFailed, match="it is four times too large."):
        halved(lambda x: 2 * x, "again")
    with pytest.raises(CheckFailed, match="first fix what the check 'values' reports."):
        halved(lambda x: 5 * x, "again")


def test_a_hidden_seed_prints_nothing(exercise, capsys):
    exercise(double, seed=1)
    assert capsys.readouterr() == ("", "")


def test_a_check_does_not_move_the_random_stream_of_the_notebook(exercise):
    torch.manual_seed(5)
    exercise(double)
    exercise.first_failure(triple)
    with pytest.raises(CheckFailed):
        exercise(triple)
    seen = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(seen, torch.rand(3))


def test_the_first_aspect_that_fails_is_named(exercise):
    name, failure = exercise.first_failure(triple)
    assert (name, failure.cause) == ("values", "multiply by 2.")
    assert exercise.first_failure(double) is None


def test_a_picture_is_drawn_only_when_a_failure_is_shown(exercise, monkeypatch):
    shown = []
    for module in ("exercise", "failure"):
        monkeypatch.setattr(f"ninelives.checks.{module}.display", shown.append)
    assert callable(exercise.first_failure(triple)[1].picture)
    assert shown == []
    with pytest.raises(CheckFailed):
        exercise(triple)
    [failure] = shown
    failure._ipython_display_()
    assert [type(picture) for picture in shown] == [CheckFailed, Picture]


def not_written(x):
    raise NotImplementedError()


def calls_what_is_not_written(x):
    return not_written(x)


def test_yours_is_used_when_it_passes_and_the_packages_when_it_does_not(exercise, capsys):
    assert exercise.yours_if_it_passes(double, "ours") is double
    assert exercise.yours_if_it_passes(triple, "ours") == "ours"
    for unwritten in (not_written, calls_what_is_not_written):
        assert exercise.yours_if_it_passes(unwritten, "ours") == "ours"
    assert capsys.readouterr().out.split("\n")[:4] == [
        "Running on your own double.",
        "Running on the package's double: yours does not pass its check 'values' yet.",
        "Running on the package's double: yours is not written yet.",
        "Running on the package's double: not_written, which yours calls, is not written yet.",
    ]


@pytest.fixture
def halved():
    """An exercise that knows three mistakes: of values, of shape, and one that raises an error on what the check gives it."""
    exercise = Exercise("halve", error_hints={"is invalid for input": "5 is odd."})

    @exercise.mistake("values", "this breaks.")
    def breaks(x):
        raise IndexError(x)

    @exercise.mistake("values", "x is doubled.")
    def doubled(x):
        return 2 * x

    @exercise.mistake("shape", "a column is not a row.")
    def column(x):
        return x.unsqueeze(-1)

    @exercise.aspect("shape")
    def keeps_the_shape(answer, seed):
        x = torch.arange(6.0).reshape(2, 3)
        exercise.want_shape(run(answer, x), (2, 3), "(B, T)", "the result", (x,))

    @exercise.aspect("values")
    def halves_each_number(answer, seed):
        x = torch.arange(6.0).reshape(2, 3)
        exercise.want_values(
            run(answer, x), x / 2, (x,), what="the result", meaning=", half of x", otherwise=lambda: "divide by 2.", caption="Halves")

    return exercise


@pytest.mark.parametrize(("answer", "aspect", "cause"), [
    (lambda x: x + x, "values", "x is doubled."),
    (lambda x: 3 * x, "values", "divide by 2."),
    (lambda x: torch.zeros(2, 3, 1), "shape", "a column is not a row."),
    (lambda x: torch.zeros(3, 2), "shape", "the sizes are right but in another order: look at transpose."),
    (lambda x: torch.zeros(7), "shape", "print the shape after each of your lines, and compare it with the shapes in the exercise."),
])
def test_a_known_mistake_is_named_by_its_values_or_else_by_its_shape(halved, answer, aspect, cause):
    found, failure = halved.first_failure(answer)
    assert (found, failure.cause) == (aspect, cause)


def test_the_first_row_that_differs_is_shown(halved):
    failure = halved.refusal("values", lambda x: torch.where(x > 2, x, x / 2))
    assert (failure.seen, failure.wanted) == ("the result at [1] is [3, 4, 5].", "[1.50, 2, 2.50], half of x.")
    assert failure.picture().alt


def test_the_subject_of_the_message_may_depend_on_the_row(halved):
    with pytest.raises(CheckFailed, match=r"row 1 starts with \[4, 5\]\."):
        halved.want_values(
            torch.tensor([[1, 2], [4, 5]]), torch.tensor([[1, 2], [4, 4]]), what=lambda row: f"row {row} starts with",
            row_of=ids, otherwise="count.", caption="Rows")


def test_the_exercises_hint_explains_an_error_unless_the_call_has_its_own(halved):
    @halved.aspect("own hint")
    def explains_it_itself(answer, seed):
        run(answer, torch.zeros(5), error_hints={"is invalid for input": "5 is a prime number."})

    def viewed(x):
        return x.view(2, -1)[:, :5] if x.numel() == 6 else x.view(2, 2)

    assert halved.refusal("own hint", viewed).cause == "5 is a prime number."
    assert halved.refusal("values", lambda x: x.view(5)).cause == "5 is odd."


def test_a_mistake_never_changes_what_the_learner_was_given():
    exercise = Exercise("f")

    @exercise.mistake("values", "x is overwritten.")
    def overwrites(x):
        return x.add_(1)

    x = torch.zeros(2)
    assert exercise.likely_cause(torch.ones(2), (x,), "nothing else.") == "x is overwritten."
    assert torch.equal(x, torch.zeros(2))


def test_a_mistake_that_would_have_failed_where_the_answer_was_right_is_not_named():
    exercise = Exercise("halve")

    @exercise.mistake("values", "nothing is done.")
    def left(x):
        return x

    @exercise.aspect("values")
    def halves_both(answer, seed):
        for x in (torch.arange(4.0), torch.zeros(2) + seed):
            result = run(answer, x)
            exercise.want_values(result, x / 2, (x,), what="the result", otherwise="divide every tensor by 2.", caption="Halves")
            exercise.note_right(result, (x,))

    assert exercise.refusal("values", lambda x: x, seed=1).cause == "nothing is done."
    for _ in range(2):  # nothing is kept from one check to the next
        assert exercise.refusal("values", lambda x: x if len(x) == 2 else x / 2, seed=1).cause == "divide every tensor by 2."


def test_a_mistaken_class_is_tried_on_the_learners_layers():
    class Given(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

    exercise = Exercise("Layer")

    @exercise.mistake("values", "the layer is used twice.")
    class Twice(Given):
        def forward(self, x):
            return self.layer(self.layer(x))

    mine, x = Given().double(), torch.randn(3, 2)
    result = mine.layer(mine.layer(x.double()))
    assert exercise.likely_cause(result, (x,), "use it once.", make=partial(on_layers_of, mine)) == "the layer is used twice."
    assert exercise.likely_cause(result, (x,), "use it once.", make=partial(on_layers_of, Given().double())) == "use it once."
    assert type(mine) is Given


@pytest.mark.parametrize(("aspect", "cause"), [("first", "of the first"), ("second", "of the second")])
def test_a_mistake_of_the_aspect_that_is_checked_is_named_before_one_that_gives_the_same(aspect, cause):
    doubled = Exercise("double")
    for name in ("first", "second"):
        doubled.mistake(name, f"of the {name}")(triple)

        @doubled.aspect(name)
        def is_doubled(answer, seed):
            x = torch.ones(2)
            doubled.want_values(answer(x), 2 * x, (x,), what="the result", otherwise="multiply by 2.", caption="Wanted, and yours")

    assert doubled.refusal(aspect, triple).cause == cause


def test_a_check_that_an_exercise_does_not_have_is_named_with_those_that_it_has(exercise):
    with pytest.raises(ValueError, match="double has no check 'sum': its checks are 'shape', 'values'."):
        exercise(double, "sum")


def test_an_optional_exercise_says_that_it_is_not_written_and_raises_only_for_a_wrong_answer(exercise, capsys):
    def unwritten(x):
        raise NotImplementedError()

    exercise.optional(unwritten)
    assert capsys.readouterr().out == "double is optional and has no points. It is not written yet.\n"
    with pytest.raises(CheckFailed, match="multiply by 2."):
        exercise.optional(triple)
    exercise.optional(double)
    assert "double passes the check 'values'." in capsys.readouterr().out


def exercise_on_values():
    numbers = Exercise("ones")
    numbers.aspect("values")(lambda answer, seed: want_shape(run(answer), (2,), "(2,)", "ones"))
    return numbers


def test_an_answer_that_fails_its_first_check_is_replaced_unless_the_trial_decides(capsys):
    exercise, wrong = exercise_on_values(), lambda: torch.ones(3)
    assert exercise.yours_if_it_runs(wrong, torch.ones, lambda mine: mine()) is torch.ones
    assert exercise.yours_if_it_runs(wrong, torch.ones, lambda mine: mine(), trial_decides=True) is wrong
    assert exercise.yours_if_it_runs(wrong, torch.ones, lambda mine: mine()[5], trial_decides=True) is torch.ones
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(" ones")[0] for line in said] == ["Running on the package's", "Running on your own", "Running on the package's"]


def test_an_answer_that_is_not_written_is_replaced_whatever_the_trial_says():
    def unwritten():
        raise NotImplementedError()

    assert exercise_on_values().yours_if_it_runs(unwritten, torch.ones, lambda mine: None, trial_decides=True) is torch.ones


def test_gradients_that_a_notebook_has_switched_off_are_no_mistake_of_the_answer():
    scaled = Exercise("scaled")

    @scaled.aspect("gradient")
    def passes_gradients_on(answer, seed):
        x = torch.ones(3, requires_grad=True)
        if not run(answer, x).requires_grad:
            raise CheckFailed("no gradient.", "one.", "something is cut off.")

    with torch.no_grad():
        assert scaled.refusal("gradient", double) is None
        assert scaled.refusal("gradient", lambda x: double(x.detach())) is not None
        assert not torch.is_grad_enabled()
