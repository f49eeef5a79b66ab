import math

import pytest
import torch

from ninelives.model.dropout import Dropout, kept

N = 2_000_000


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def within(count: int, n: int, p: float) -> bool:
    """Within five standard deviations of what n independent tosses give."""
    return abs(count - n * p) < 5 * math.sqrt(n * p * (1 - p)) + 1e-9


@pytest.mark.parametrize("p", [0.1, 0.5, 0.003, 0.9, 1 / 256, 0.997])
def test_each_value_is_dropped_with_probability_p(p):
    assert within((kept((N,), p) == 0).sum().item(), N, p)


@pytest.mark.parametrize("p", [0.1, 0.003, 0.5])
@pytest.mark.parametrize("apart", [1, 2, 7, 8, 64, 4096])
def test_two_values_are_dropped_independently(p, apart):
    dropped = kept((N,), p) == 0
    both = (dropped[apart:] & dropped[:-apart]).sum().item()
    assert within(both, N - apart, p * p)


def test_runs_of_kept_values_are_as_long_as_tosses_make_them():
    places = (kept((N,), 0.1) == 0).nonzero().squeeze(1)
    gaps = places.diff()
    for length in range(1, 40):
        assert within((gaps == length).sum().item(), len(gaps), 0.1 * 0.9 ** (length - 1))


def test_every_place_is_dropped_equally_often_over_many_draws():
    counts = sum((kept((37,), 0.1) == 0).int() for _ in range(4000))
    assert all(within(count, 4000, 0.1) for count in counts.tolist())


def test_two_draws_differ_and_pytorchs_seed_repeats_them():
    one, two = kept((1000,), 0.3), kept((1000,), 0.3)
    torch.manual_seed(0)
    assert not torch.equal(one, two) and torch.equal(kept((1000,), 0.3), one)


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 1, 7), (0, 3), ()])
def test_any_shape_comes_out_as_it_went_in(shape):
    assert Dropout(0.4).train()(torch.ones(shape)).shape == torch.Size(shape)


def test_what_stays_is_scaled_and_the_gradient_goes_the_same_way():
    x = torch.randn(1000, dtype=torch.float64, requires_grad=True)
    out = Dropout(0.2).train()(x)
    out.sum().backward()
    stays = out != 0
    assert torch.allclose(out[stays], x[stays] / 0.8) and within((~stays).sum().item(), 1000, 0.2)
    assert torch.equal(x.grad, stays.double() * (1 / 0.8))


@pytest.mark.parametrize(("p", "mode"), [(0.0, True), (0.7, False)])
def test_without_training_or_probability_nothing_changes(p, mode):
    x = torch.randn(50)
    assert torch.equal(Dropout(p).train(mode)(x), x)


def test_with_probability_one_everything_is_dropped():
    assert (Dropout(1.0).train()(torch.ones(50)) == 0).all()


def test_it_is_pytorchs_dropout_in_all_but_speed():
    assert isinstance(Dropout(0.1), torch.nn.Dropout) and Dropout(0.1).state_dict() == {}
    compiled = torch.compile(Dropout(0.5).train(), backend="aot_eager", fullgraph=True)
    assert within((compiled(torch.ones(10_000)) == 0).sum().item(), 10_000, 0.5)
