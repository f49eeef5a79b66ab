import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from torch import nn

from ninelives.checks.exercise import CheckFailed, Exercise, build, numbers, run, same_values, want_gradient, want_shape
from ninelives.figures import Picture, wanted_and_yours


@pytest.fixture
def exercise():
    """Two aspects that refuse what does not double its argument."""
    doubled = Exercise("double")

    @doubled.aspect("shape")
    def _(answer, seed):
        want_shape(run(answer, torch.randn(3)), (3,), "(T,)", "the result", causes={(1, 3): "a row is not a vector."})

    @doubled.aspect("values")
    def _(answer, seed):
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


def test_a_long_message_is_broken_between_words_and_stays_under_its_head():
    lines = CheckFailed("short.", "a " + "word " * 40, "why.")._render_traceback_()
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("  wanted: a word") and lines[2].startswith("          word")
    assert (lines[0], lines[-1]) == ("  seen:   short.", "  likely: why.")


def test_every_aspect_that_passes_gets_a_line_of_its_own(exercise, capsys):
    exercise(double)
    assert capsys.readouterr().out == "double, shape: visible checks passed.\ndouble, values: visible checks passed.\n"


def test_one_aspect_can_be_asked_for_alone(exercise, capsys):
    exercise(triple, "shape")
    assert capsys.readouterr().out == "double, shape: visible checks passed.\n"


def test_a_check_that_cannot_go_on_says_so_instead_of_breaking(exercise):
    @exercise.aspect("sum")
    def _(answer, seed):
        return answer(torch.ones(3)) + torch.ones(4)

    with pytest.raises(CheckFailed, match=r"this check cannot go on \(RuntimeError: The size of tensor a") as caught:
        exercise(double, "sum")
    assert caught.value.cause == "first fix what the checks above report."
    assert exercise.first_failure(double)[0] == "sum"


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


def test_yours_is_used_when_it_passes_and_the_packages_when_it_does_not(exercise, capsys):
    assert exercise.yours_or(double, "ours") is double
    assert exercise.yours_or(triple, "ours") == "ours"
    assert capsys.readouterr().out.split("\n")[:2] == [
        "Running on your own double.",
        "Running on the package's double: yours does not pass its check 'values' yet.",
    ]


def test_ipython_shows_the_three_lines_and_no_traceback(capsys):
    shell = InteractiveShell()
    shell.user_ns["CheckFailed"] = CheckFailed
    shell.run_cell('raise CheckFailed("two rows.", "three.", "count again.")')
    printed = "".join(capsys.readouterr())
    assert "seen:   two rows." in printed
    assert "wanted: three." in printed
    assert "likely: count again." in printed
    assert "Traceback" not in printed and "raise" not in printed


def test_what_is_not_written_yet_is_called_so():
    def answer(x):
        raise NotImplementedError()

    with pytest.raises(CheckFailed, match="answer is not written yet"):
        run(answer, torch.zeros(2))


def test_an_exception_is_quoted_with_the_line_that_raised_it():
    def answer(x):
        return x.view(7)

    with pytest.raises(CheckFailed) as caught:
        run(answer, torch.zeros(2, 3))
    assert caught.value.seen.startswith("answer raised RuntimeError at your line `return x.view(7)`: shape '[7]'")
    assert caught.value.wanted == "a result for inputs of shape (2, 3)."


def test_in_a_module_the_line_is_the_learners_and_not_pytorchs():
    class Answer(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(x)

    with pytest.raises(CheckFailed) as caught:
        run(Answer(), torch.zeros(2, 3))
    assert "Answer raised RuntimeError at your line `return self.layer(x)`" in caught.value.seen


def test_an_error_that_a_check_expects_gets_its_own_cause():
    with pytest.raises(CheckFailed) as caught:
        run(lambda x: x.view(7), torch.zeros(2, 3), error_hints={"is invalid for input of size": "7 is not 2 · 3."})
    assert caught.value.cause == "7 is not 2 · 3."


def test_what_is_not_written_is_named_even_if_something_else_calls_it():
    def earlier(x):
        raise NotImplementedError()

    def later(x):
        return earlier(x) + 1

    with pytest.raises(CheckFailed, match="seen:   earlier is not written yet."):
        run(earlier, torch.zeros(2))
    with pytest.raises(CheckFailed, match="seen:   earlier, which later calls, is not written yet."):
        run(later, torch.zeros(2))


@pytest.mark.parametrize(
    ("answer", "cause"),
    [(lambda x: x + None, "has no `return`"), (lambda x: y + x, "misspelt"), (lambda x: x.softmaxx(-1), "after the dot")],  # noqa: F821, the mistake
)
def test_what_goes_wrong_in_any_exercise_has_a_cause_of_its_own(answer, cause):
    with pytest.raises(CheckFailed) as caught:
        run(answer, torch.zeros(2))
    assert cause in caught.value.cause


def test_of_a_long_error_the_first_line_is_said():
    with pytest.raises(CheckFailed) as caught:
        run(lambda x: x.masked_fill(False, 0.0), torch.zeros(2))
    assert caught.value.seen.endswith("but expected one of:") and "\n" not in caught.value.seen


def test_what_is_no_function_is_refused_in_words():
    with pytest.raises(CheckFailed, match="NoneType raised TypeError"):
        run(None, torch.zeros(2))
    with pytest.raises(CheckFailed, match="int.__init__ raised TypeError"):
        build(3)


@pytest.mark.parametrize("change", [lambda x: x.add_(1), lambda x: x.fill_(float("nan")), lambda x: x.unsqueeze_(0)])
def test_a_changed_argument_is_noticed(change):
    with pytest.raises(CheckFailed, match="changed the tensor that it was given"):
        run(change, torch.zeros(2))


def test_an_argument_of_nan_left_alone_is_not_called_changed():
    x = torch.full((2,), float("nan"))
    assert run(torch.clone, x).isnan().all()


def test_a_module_is_built_with_weights_that_matter():
    module = build(lambda: nn.Sequential(nn.Linear(40, 40), nn.LayerNorm(40)))
    assert 0.5 < module[0].weight.std() < 0.7
    assert module[0].bias.abs().min() > 0
    assert 0.5 < module[1].weight.mean() < 1.5
    assert module[1].bias.std() > 0.3


def test_a_constructor_that_makes_no_module_is_refused():
    with pytest.raises(CheckFailed, match="makes a dict"):
        build(dict)


@pytest.mark.parametrize(("result", "seen"), [(None, "nothing (None)"), ([1], "a list")])
def test_what_is_no_tensor_is_refused(result, seen):
    with pytest.raises(CheckFailed) as caught:
        want_shape(result, (1,), "(T,)", "the result")
    assert seen in caught.value.seen


def test_a_shape_in_another_order_points_to_transpose():
    with pytest.raises(CheckFailed, match="transpose"):
        want_shape(torch.zeros(3, 2), (2, 3), "(B, T)", "the result")


def test_nan_is_never_the_same_as_a_number():
    assert not same_values(torch.tensor([1.0, float("nan")]), torch.tensor([1.0, 0.0]))


def test_a_parameter_that_no_gradient_reaches_is_named():
    module = nn.ModuleDict({"used": nn.Linear(2, 2), "idle": nn.Linear(2, 2)})
    with pytest.raises(CheckFailed, match="reached idle.weight, idle.bias of Answer"):
        want_gradient(module, module["used"](torch.randn(3, 2)), "Answer")


def test_a_gradient_of_zero_is_refused_unless_it_is_announced():
    module = nn.Linear(2, 2)
    with pytest.raises(CheckFailed, match="reached weight of Answer"):
        want_gradient(module, module(torch.zeros(3, 2)), "Answer")
    module.zero_grad(set_to_none=True)
    want_gradient(module, module(torch.zeros(3, 2)), "Answer", may_be_zero=["weight"])


def test_numbers_are_short_and_say_when_there_are_more():
    assert numbers(torch.tensor([1.0, 0.255, -2.5, 4.0])) == "[1, 0.25, -2.50, …]"
    assert numbers(torch.tensor([3, 4])) == "[3, 4]"


class Equal(torch.Tensor):
    """Whatever is subtracted from it, nothing is left."""

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), named=None):
        if function.__name__ in ("sub", "rsub"):
            return torch.zeros(1)
        return super().__torch_function__(function, types, arguments, named or {})


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: (x, None)])
def test_a_tensor_of_a_class_of_its_own_is_refused_since_it_may_be_equal_to_all(wrap):
    with pytest.raises(CheckFailed, match=r"gives a Equal, which is a class of its own"):
        run(lambda x: wrap(torch.zeros(3).as_subclass(Equal)), torch.ones(3))
    assert torch.equal(run(lambda x: nn.Parameter(x), torch.ones(3)), torch.ones(3))
