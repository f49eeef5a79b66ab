import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from ninelives.checks import endless
from ninelives.checks.failure import CheckFailed
from ninelives.checks.run import build, run


def test_what_is_not_written_yet_is_called_so():
    def answer(x):
        raise NotImplementedError()

    with pytest.raises(CheckFailed, match="answer is not written yet"):
        run(answer, torch.zeros(2))


def test_an_answer_that_does_not_come_to_an_end_is_stopped_also_where_it_catches_every_exception(monkeypatch):
    monkeypatch.setattr(endless, "SECONDS", 0.01)
    handler = signal.getsignal(signal.SIGVTALRM)

    def answer(x):
        while True:
            try:
                x = x + 1
            except Exception:
                pass

    with pytest.raises(CheckFailed, match="answer has computed for .* does not come to an end at your line"):
        run(answer, torch.zeros(2))
    assert signal.getsignal(signal.SIGVTALRM) == handler
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)


def test_a_check_also_runs_in_a_thread_which_hears_no_signals():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, torch.neg, torch.ones(1)).result() == -1


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


def test_the_error_is_kept_until_something_explains_it():
    with pytest.raises(CheckFailed) as unexplained:
        run(lambda x: x.view(7), torch.zeros(2, 3))
    assert "is invalid for input" in unexplained.value.error
    with pytest.raises(CheckFailed) as explained:
        run(lambda x: x.view(7), torch.zeros(2, 3), error_hints={"is invalid for input": "7 is not 2 · 3."})
    assert explained.value.error == ""
