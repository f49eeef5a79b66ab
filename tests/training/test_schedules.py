import math

import pytest

from ninelives.training import noam_rate, warmup_cosine


def test_the_noam_rate_is_the_formula_of_the_paper():
    # Base model of Vaswani et al. 2017: d_model 512, warmup_steps 4000; the peak is where the two branches meet.
    assert noam_rate(4000, 512, 4000) == pytest.approx(1 / math.sqrt(512 * 4000))
    assert noam_rate(1, 512, 4000) == pytest.approx(1 / math.sqrt(512) / 4000**1.5)
    assert noam_rate(16000, 512, 4000) == pytest.approx(noam_rate(4000, 512, 4000) / 2)


def test_step_100000_gives_the_rate_that_is_often_quoted_and_the_last_step_of_a_shorter_run_another():
    assert noam_rate(100_000, 128, 4000) == pytest.approx(0.000279508497)
    assert noam_rate(25_000, 128, 4000) == pytest.approx(5.59e-4, rel=1e-3)


def test_the_cosine_rises_linearly_and_falls_to_zero():
    rates = [warmup_cosine(step, 2e-3, 10, 110) for step in range(1, 111)]
    assert rates[:10] == pytest.approx([2e-4 * step for step in range(1, 11)])
    assert rates[59] == pytest.approx(1e-3) and rates[-1] == pytest.approx(0)
    assert rates[34] == pytest.approx(1e-3 * (1 + math.sqrt(0.5)))
    assert all(later < earlier for earlier, later in zip(rates[9:], rates[10:]))


def test_without_a_warm_up_it_begins_near_the_peak():
    assert 0.99 < warmup_cosine(1, 1.0, 0, 100) < 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: noam_rate(0, 64, 100), "step is 0: it must be at least 1"),
        (lambda: noam_rate(1, 64, 0), "warmup_steps is 0"),
        (lambda: warmup_cosine(0, 1.0, 5, 10), "step is 0: it must be from 1 to max_iters = 10"),
        (lambda: warmup_cosine(11, 1.0, 5, 10), "step is 11"),
        (lambda: warmup_cosine(1, 1.0, 11, 10), "warmup_steps is 11: it must be from 0 to max_iters = 10"),
    ],
)
def test_a_step_out_of_range_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
