import numpy as np
import pytest
import torch

from helpers.drawn import texts
from ninelives.figures import wanted_and_yours


def frames(picture):
    """The number of panels in which there is more than cells and rules: a frame."""
    return sum(len(axes.collections) > 3 for axes in picture.figure.axes)


def test_equal_tensors_have_no_frame():
    picture = wanted_and_yours(torch.eye(3), torch.eye(3) + 1e-7, caption="c")
    assert picture.alt == "Wanted and yours, both of shape (3, 3), hold the same numbers."
    assert frames(picture) == 0


def test_differing_cells_are_framed_and_described():
    yours = torch.eye(3)
    yours[1, 2], yours[2, 0] = 0.5, 3.0
    picture = wanted_and_yours(torch.eye(3), yours, caption="c")
    assert picture.alt == (
        "Wanted and yours, both of shape (3, 3): 2 of 9 cells differ. The first is [1, 2], counted "
        "from 0: wanted 0, yours 0.5. The largest difference is 3, at [2, 0]."
    )
    assert frames(picture) == 2


def test_a_larger_id_is_no_darker():
    def colours(sizes_count):
        picture = wanted_and_yours(torch.tensor([[57, 12]]), torch.tensor([[57, 3]]), caption="c", sizes_count=sizes_count)
        image = picture.figure.axes[0].collections[0]
        return {tuple(colour) for colour in image.to_rgba(image.get_array())[0].tolist()}

    assert colours(sizes_count=False) == {(1, 1, 1, 1)} and len(colours(sizes_count=True)) == 2


def test_different_shapes_are_drawn_each_with_its_shape():
    picture = wanted_and_yours(torch.ones(2, 3), torch.ones(3, 2), caption="c")
    assert {"Wanted (2, 3)", "Yours (3, 2)"} <= set(texts(picture))
    assert picture.alt.startswith("Wanted has shape (2, 3), yours has shape (3, 2)")


def test_nan_and_infinity_are_hatched_and_described():
    picture = wanted_and_yours([[1.0, 2], [3, 4]], [[1.0, np.nan], [-np.inf, 4]], caption="c")
    assert {"NaN", "−∞"} <= set(texts(picture))
    assert "Yours holds NaN in 1 of 4 cells, the first at [0, 1]." in picture.alt
    assert "Yours holds infinity in 1 of 4 cells, the first at [1, 0]." in picture.alt
    assert [patch.get_hatch() for patch in picture.figure.axes[1].patches] == ["////"] * 2


def test_all_nan_and_all_infinite_can_be_drawn():
    assert wanted_and_yours(torch.ones(2, 2), torch.full((2, 2), torch.nan), caption="c").png()
    assert wanted_and_yours(torch.full((2,), torch.nan), torch.full((2,), torch.inf),
                            caption="c").png()


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 3, 4), (2, 3, 4, 5), (1, 1), (12, 12)])
def test_any_number_of_dimensions_can_be_drawn(shape):
    picture = wanted_and_yours(torch.zeros(shape), torch.ones(shape, dtype=torch.bool), caption="c")
    assert f"Yours {shape}" in texts(picture)


def test_vectors_and_matrices_can_be_compared():
    assert wanted_and_yours(torch.ones(4), torch.ones(2, 3, 4), caption="c").png()


def test_of_a_large_tensor_a_window_with_the_first_difference_is_drawn():
    wanted = torch.zeros(2, 3, 100, 64)
    yours = wanted.clone()
    yours[1, 2, 70, 40] = 1
    picture = wanted_and_yours(wanted, yours, caption="c")
    assert picture.figure.axes[0].collections[0].get_array().shape == (16, 16)
    assert ("Shown: matrix [1, 2], rows 62 to 77 of 100, columns 32 to 47 of 64. "
            "Framed: cells that differ.") in texts(picture)
    assert "70" in texts(picture)
    assert frames(picture) == 2


def test_one_huge_number_does_not_wash_out_the_scale():
    picture = wanted_and_yours([[1.0, 2.0]], [[-1e9, 2.0]], caption="c")
    assert picture.figure.axes[0].collections[0].get_clim() == (-2.0, 2.0)
    assert "−1e9" in texts(picture)


@pytest.mark.parametrize("yours", [None, "cat", [], [[1], [1, 2]]])
def test_anything_but_numbers_is_refused(yours):
    with pytest.raises(ValueError, match="yours is"):
        wanted_and_yours([1.0], yours, caption="c")
