import numpy as np
import pytest
import torch

from helpers.drawn import texts
from ninelives.figures import position_similarity, table_picture


def test_similarities_are_cosines():
    picture = position_similarity([[2.0, 0], [0, 3], [-1, 0]], caption="c")
    assert texts(picture).count("1") == 3 + 2  # the diagonal, and position 1 on both axes
    assert "−1" in texts(picture)


def test_the_words_say_how_alike_neighbours_are():
    angles = torch.arange(8) * torch.pi / 8
    picture = position_similarity(torch.stack([angles.cos(), angles.sin()], 1), caption="c")
    assert "Neighbours have 0.92 on average, positions 4 apart" in picture.alt
    assert "most alike" not in picture.alt  # all neighbours are as much so
    angles[3] += 0.2
    assert "The most alike are 3 and 4, with 0.98." in position_similarity(
        torch.stack([angles.cos(), angles.sin()], 1), caption="c"
    ).alt


def test_one_position_and_512_positions_can_be_drawn():
    assert position_similarity([[1.0, 2.0]], caption="c").png()
    big = np.random.default_rng(0).normal(size=(512, 8))
    assert len(position_similarity(big, caption="c").png()) < 70_000


@pytest.mark.parametrize(
    "table, message",
    [
        ([[1.0, 0], [0, 0]], "Row 1 of table is all zeros"),
        ([1.0, 2.0], "table has 1 dimension"),
        ([[float("nan")]], "table holds NaN"),
    ],
)
def test_a_table_without_directions_is_refused(table, message):
    with pytest.raises(ValueError, match=message):
        position_similarity(table, caption="c")


def test_a_table_is_described_by_its_range_and_its_rows():
    picture = table_picture([[3.0, 4.0], [0.5, 0], [6, 8.5]], ["cat", "dog", "cat"],
                            title="Vectors", caption="c")
    assert picture.alt == (
        "Vectors: 3 rows of 2 numbers, from 0.00 to 8.50. The longest row is cat₂ (length 10.40), "
        "the shortest dog (0.50). The most alike rows are cat₁ and cat₂, with a cosine similarity "
        "of 1.00."
    )
    assert {"cat₁", "cat₂", "8.50"} <= set(texts(picture))


def test_no_row_of_a_table_is_called_the_longest_where_all_are_equally_long():
    picture = table_picture([[3.0, 4.0], [0, 5], [-4, 3]], ["a", "b", "c"], title="Vectors", caption="c")
    assert "from -4.00 to 5.00. All rows have length 5.00. The most alike rows are a and b" in picture.alt


@pytest.mark.parametrize(
    "table, extra, message",
    [
        (torch.ones(3, 2), {}, "rows has 2 labels for 3 rows of table"),
        (torch.ones(2, 2), {"columns": ["a"]}, "columns has 1 labels for 2 columns of table"),
        (torch.ones(2), {}, "table has 1 dimension"),
        (torch.full((2, 2), float("nan")), {}, "table holds NaN"),
    ],
)
def test_a_table_picture_refuses_bad_input(table, extra, message):
    with pytest.raises(ValueError, match=message):
        table_picture(table, ["a", "b"], title="t", caption="c", **extra)
