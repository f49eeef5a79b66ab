import numpy as np
import pytest
import torch

from helpers.drawn import texts
from ninelives.figures import head_grid, heatmap

TOKENS = ["the", "cat", "saw", "the", "dog"]
WEIGHTS = torch.softmax(torch.randn(5, 5, generator=torch.Generator().manual_seed(1)) * 2, -1)


def test_small_weights_are_printed_in_their_cells():
    shown = texts(heatmap(WEIGHTS, TOKENS, title="Head 1", caption="c"))
    assert {f"{w:.2f}" for w in WEIGHTS.flatten().tolist()} <= set(shown)
    assert "Head 1" in shown
    assert shown.count("the₂") == 2


def test_other_values_can_be_printed_in_the_cells():
    values = np.arange(25).reshape(5, 5)
    shown = texts(heatmap(WEIGHTS, TOKENS, title="t", caption="c", values=values))
    assert {"7", "24"} <= set(shown)


def test_an_exact_zero_looks_different_from_a_small_weight():
    shown = texts(heatmap([[0.999, 0.001], [1, 0]], ["a", "b"], title="t", caption="c"))
    assert {"0", "0.00"} <= set(shown)


def test_the_words_follow_the_data():
    alt = heatmap([[0.9, 0.1], [0.3, 0.7]], ["cat", "it"], title="Head 1", caption="c",
                  mark=[("it", "cat")]).alt
    assert alt == (
        "Head 1: a heatmap of 2 by 2 weights. cat attends to cat 0.90, it 0.10. "
        "it attends to it 0.70, cat 0.30. Outlined: it to cat 0.30."
    )


def test_rows_and_columns_may_differ():
    alt = heatmap([[0.9, 0.1, 0]], ["chat"], ["the", "cat", "the"], title="t", caption="c").alt
    assert "chat attends to the₁ 0.90, cat 0.10" in alt


def test_small_weights_get_no_number_where_that_is_asked_for():
    shown = texts(heatmap([[0.996, 0.004], [1, 0]], ["a", "b"], title="t", caption="c", least_printed=0.005))
    assert not {"0", "0.00"} & set(shown)
    assert "Each row attends to the columns. Weights below 0.005 have no number." in " ".join(shown)


def test_only_rows_that_attend_to_the_columns_are_said_to():
    said = "Each row attends to the columns."
    weights = [[0.5, 0.5], [1, 0]]
    assert said in texts(heatmap(weights, ["a", "b"], title="t", caption="c"))
    assert said not in texts(heatmap(weights, ["filled with 0", "filled with −∞"], ["a", "b"], title="t", caption="c"))
    assert said not in texts(heatmap([[-1, 2], [1, 0]], ["a", "b"], title="t", caption="c"))  # scores


def test_masked_scores_are_drawn_and_described():
    picture = heatmap([[1.5, -np.inf], [-2, 3]], ["a", "b"], title="Scores", caption="c")
    assert "−∞" in texts(picture)
    assert picture.alt == (
        "Scores: a heatmap of 2 by 2 scores. a: highest score 1.50 at a, 1 masked. "
        "b: highest score 3 at b."
    )


def test_a_row_of_masked_scores_is_described():
    assert "b: all 2 scores are masked." in heatmap(
        [[1, 2], [-np.inf, -np.inf]], ["a", "b"], title="t", caption="c").alt


def test_one_word_can_be_drawn():
    assert heatmap([[1.0]], ["cat"], title="t", caption="c").png()


def test_512_tokens_have_thinned_labels_and_a_small_file():
    weights = torch.softmax(torch.randn(512, 512) * 2, -1)
    picture = heatmap(weights, [f"w{i}" for i in range(512)], title="t", caption="c")
    labels = [text for text in texts(picture) if text.startswith("w")]
    assert 20 < len(labels) < 100
    note = "Each row attends to the columns. Each square shows the strongest of 4 by 4 cells."
    assert note in texts(picture)
    assert len(picture.png()) < 70_000


def test_a_block_of_a_large_matrix_shows_its_strongest_cell():
    weights = np.full((300, 300), 1 / 400)
    weights[7, 201] = 0.9
    picture = heatmap(weights, ["w"] * 300, title="t", caption="c")
    drawn = picture.figure.axes[0].collections[0].get_array()
    assert drawn.shape == (100, 100)
    assert drawn[2, 67] == 0.9


@pytest.mark.parametrize(
    "weights, rows, extra, message",
    [
        (WEIGHTS, TOKENS[:4], {}, "rows has 4 labels for 5 rows of weights"),
        (WEIGHTS[:, :4], TOKENS, {}, "rows has 5 labels for 4 columns of weights"),
        (WEIGHTS, TOKENS, {"columns": ["a"]}, "columns has 1 labels for 5 columns"),
        (WEIGHTS[None], TOKENS, {}, r"weights has 3 dimensions.*weights\[0\]"),
        (WEIGHTS * float("nan"), TOKENS, {}, "weights holds NaN in 25 of 25 cells"),
        (WEIGHTS, TOKENS, {"values": [[1]]}, r"values has shape \(1, 1\)"),
        (WEIGHTS, TOKENS, {"mark": [("hen", "cat")]}, "'hen' is not among the tokens"),
    ],
)
def test_bad_input_is_refused(weights, rows, extra, message):
    with pytest.raises(ValueError, match=message):
        heatmap(weights, rows, title="t", caption="c", **extra)


def test_a_grid_shows_every_head_with_its_strongest_link():
    weights = torch.full((6, 5, 5), 0.2)
    weights[3, 4] = torch.tensor([0, 0.96, 0.01, 0.02, 0.01])
    picture = head_grid(weights, TOKENS, title="Heads", caption="c")
    assert {f"head {h}" for h in range(6)} <= set(texts(picture))
    assert "Head 6: strongest" in head_grid(weights[2:], TOKENS, title="Heads", caption="c", first=5).alt
    assert "Head 3: strongest from dog to cat, 0.96;" in picture.alt
    causal = torch.tril(torch.ones(5, 5)) / torch.arange(1, 6)[:, None]
    assert "Head 0: strongest from cat to the₁, 0.50;" in head_grid(causal[None], TOKENS, title="Heads", caption="c").alt
    assert picture.alt.startswith("Heads: 6 heatmaps of 5 by 5 weights, one for each head.")


@pytest.mark.parametrize(
    "weights, tokens, message",
    [
        (torch.ones(2, 3, 4), TOKENS, r"weights has shape \(2, 3, 4\).*\(H, T, T\)"),
        (torch.ones(3, 3), TOKENS, "weights has 2 dimensions"),
        (-torch.ones(2, 5, 5), TOKENS, "negative number -1"),
        (torch.ones(2, 5, 5), TOKENS[:2], "tokens has 2 labels for 5 rows"),
        (torch.ones(2, 5, 5) * float("nan"), TOKENS, "weights holds NaN"),
    ],
)
def test_a_grid_refuses_bad_input(weights, tokens, message):
    with pytest.raises(ValueError, match=message):
        head_grid(weights, tokens, title="t", caption="c")
