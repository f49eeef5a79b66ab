import numpy as np
import pytest
import torch

from helpers.drawn import texts
from ninelives.figures import mask, masks_side_by_side

TOKENS = ["the", "cat", "sat", "pad", "pad"]
CAUSAL = torch.ones(5, 5).tril()
PADDING = (torch.arange(5) < 3).expand(5, 5)


@pytest.mark.parametrize(
    "attention_mask, words",
    [
        (torch.ones(5, 5, dtype=torch.int64), "Every token may attend to every token."),
        (CAUSAL, "Each token may attend to itself and to those before it, to none after it."),
        (PADDING, "No token may attend to pad₁, pad₂; every token may attend to all the others."),
        (CAUSAL * PADDING, "No token may attend to pad₁, pad₂; each may attend to itself and to "
                           "those before it otherwise."),
    ],
)
def test_the_usual_masks_are_recognised(attention_mask, words):
    assert mask(attention_mask, TOKENS, caption="c").alt == (
        f"Who may attend to whom: a mask of 5 by 5. {words}"
    )


def test_any_other_mask_is_described_row_by_row():
    alt = mask([[1, 1, 1], [1, 0, 1], [0, 1, 0]], ["a", "b", "c"], caption="c").alt
    assert alt.endswith(
        "a may attend to a to c. b may attend to a, c. c may attend to b."
    )


def test_an_empty_row_is_framed_and_described():
    picture = mask([[1, 1], [0, 0]], ["a", "b"], caption="c")
    assert "b may attend to nothing, so its softmax is NaN." in picture.alt
    assert any("Framed: a row that may attend to nothing" in text for text in texts(picture))
    assert len(picture.figure.axes[0].collections) > len(
        mask([[1, 1], [0, 1]], ["a", "b"], caption="c").figure.axes[0].collections
    )


def test_lines_divide_a_mask_into_blocks_and_the_words_say_where():
    picture = mask(CAUSAL, TOKENS, caption="c", blocks=[3])
    assert picture.alt.endswith(" Lines divide it before pad₁.")
    lines = [path.vertices.tolist() for drawn in picture.figure.axes[0].collections for path in drawn.get_paths()]
    assert lines.count([[2.5, -0.5], [2.5, 4.5]]) == lines.count([[-0.5, 2.5], [4.5, 2.5]]) == 3  # a thin rule, a rim and a line


def test_one_word_and_512_words_can_be_drawn():
    assert mask([[True]], ["cat"], caption="c").png()
    assert len(mask(np.tri(512), ["w"] * 512, caption="c").png()) < 60_000


@pytest.mark.parametrize(
    "attention_mask, message",
    [
        (torch.ones(1, 1, 5, 5), r"attention_mask has 4 dimensions.*attention_mask\[0, 0\]"),
        (torch.ones(5, 4), r"attention_mask has shape \(5, 4\)"),
        (torch.zeros(5, 5) - 1e9, "attention_mask holds -1e"),
        (torch.ones(5, 5) * float("nan"), "attention_mask holds NaN"),
        (torch.ones(4, 4), "tokens has 5 labels for 4 rows of attention_mask"),
    ],
)
def test_anything_but_a_mask_is_refused(attention_mask, message):
    with pytest.raises(ValueError, match=message):
        mask(attention_mask, TOKENS, caption="c")


def test_masks_are_drawn_side_by_side_with_their_titles():
    picture = masks_side_by_side([torch.ones(5, 5), CAUSAL], TOKENS, ["encoder", "decoder"],
                                 caption="c")
    assert {"encoder", "decoder"} <= set(texts(picture))
    assert "encoder: a mask of 5 by 5. Every token may attend to every token." in picture.alt
    assert "decoder: a mask of 5 by 5. Each token may attend to itself" in picture.alt


def test_each_mask_may_have_its_own_tokens():
    picture = masks_side_by_side([[[1]], [[1, 0], [1, 1]]], [["cat"], ["a", "b"]], ["x", "y"],
                                 caption="c")
    assert {"cat", "a", "b"} <= set(texts(picture))


@pytest.mark.parametrize(
    "masks, tokens, titles, message",
    [
        ([], TOKENS, [], "masks is empty"),
        ([CAUSAL], TOKENS, ["a", "b"], "titles has 2 labels for 1 masks"),
        ([CAUSAL, CAUSAL], [TOKENS], ["a", "b"], "tokens has 1 lists for 2 masks"),
        ([CAUSAL, CAUSAL * 2], TOKENS, ["a", "b"], r"masks\[1\] holds 2"),
    ],
)
def test_masks_that_do_not_fit_together_are_refused(masks, tokens, titles, message):
    with pytest.raises(ValueError, match=message):
        masks_side_by_side(masks, tokens, titles, caption="c")
