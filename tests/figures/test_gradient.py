import pytest
import torch

from helpers.drawn import texts
from ninelives.figures import future_leak

TOKENS = ["the", "cat", "the", "dog"]


def test_the_title_says_when_there_is_no_leak():
    picture = future_leak(-torch.ones(4, 4).tril(), TOKENS, caption="c")
    assert picture.alt == (
        "No leak from the future: how much each of 4 outputs depends on each of 4 inputs. "
        "All 6 cells above the diagonal are zero: no output depends on a later input."
    )


def test_even_a_tiny_leak_is_framed_and_described():
    gradients = torch.ones(4, 4).tril()
    gradients[0, 3] = -2e-5
    picture = future_leak(gradients, TOKENS, caption="c")
    assert "A leak from the future" in texts(picture)
    assert "2e−5" in texts(picture)
    assert "1 of 6 cells above the diagonal are not zero" in picture.alt
    assert "the₁ on dog (2e-05)" in picture.alt


def test_the_strongest_leaks_are_described_first():
    gradients = torch.ones(4, 4)
    gradients[1, 2] = 5
    assert "most of all cat on the₂ (5)," in future_leak(gradients, TOKENS, caption="c").alt


def test_one_token_and_512_tokens_can_be_drawn():
    assert "nothing comes later" in future_leak([[1.0]], ["cat"], caption="c").alt
    assert future_leak(torch.ones(512, 512).tril(), ["w"] * 512, caption="c").png()


@pytest.mark.parametrize(
    "gradients, message",
    [
        (torch.ones(4, 5), r"gradients has shape \(4, 5\)"),
        (torch.ones(1, 4, 4), "gradients has 3 dimensions"),
        (torch.ones(3, 3), "tokens has 4 labels for 3 rows"),
        (torch.full((4, 4), torch.nan), "gradients holds NaN"),
    ],
)
def test_bad_input_is_refused(gradients, message):
    with pytest.raises(ValueError, match=message):
        future_leak(gradients, TOKENS, caption="c")
