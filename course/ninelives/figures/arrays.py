"""Tensors, arrays and lists as NumPy arrays that can be drawn, or one sentence that says why not."""

from collections.abc import Sequence

import numpy as np


def as_array(values, name: str, dimensions: int | None = None, dtype: type = np.float64) -> np.ndarray:
    """An array of the same shape as `values`, in float64 or another dtype; always a copy.

    Takes torch tensors (any dtype, any device, with or without a gradient), NumPy
    arrays, numbers, and lists of any of these. Raises ValueError for anything that is
    not numbers, for an empty array, and for the wrong number of dimensions.
    """
    try:
        array = np.asarray(_as_numbers(values))
        if array.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(
            f"{name} is {_kind(values)}; a tensor, an array or a list of equally long rows "
            "of real numbers can be drawn."
        ) from None
    if dimensions is not None and array.ndim != dimensions:
        axes = "dimension" if array.ndim == 1 else "dimensions"
        raise ValueError(
            f"{name} has {array.ndim} {axes}, shape {array.shape}; this picture draws "
            f"{dimensions}{_advice(array.ndim, dimensions, name)}."
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}; there is nothing to draw.")
    return array.astype(dtype)


def as_finite(values, name: str, dimensions: int | None = None) -> np.ndarray:
    """As `as_array`; raises ValueError when a number is NaN or infinite."""
    array = as_array(values, name, dimensions)
    refuse_nan(array, name)
    if np.isinf(array).any():
        raise ValueError(
            f"{name} holds an infinite number at {first_index(np.isinf(array))}; "
            "this picture draws finite numbers only."
        )
    return array


def refuse_nan(array: np.ndarray, name: str) -> None:
    """Raise ValueError when `array` holds NaN, with the index of the first."""
    broken = np.isnan(array)
    if broken.any():
        raise ValueError(
            f"{name} holds NaN in {broken.sum()} of {array.size} cells, the first at "
            f"{first_index(broken)}: look for the step that made it, often a softmax over a row "
            "in which every key is masked."
        )


def as_labels(labels: Sequence[str], count: int, name: str, what: str) -> list[str]:
    """`labels` as a list of `count` strings; `what` says what they name, as in "rows"."""
    if isinstance(labels, str):
        raise ValueError(
            f"{name} is the single string {labels!r}; pass a list with one word for each of "
            f"the {count} {what}, for example with .split()."
        )
    labels = [str(label) for label in labels]
    if len(labels) != count:
        raise ValueError(
            f"{name} has {len(labels)} labels for {count} {what}; pass one label for each."
        )
    return labels


def first_index(where: np.ndarray) -> list[int]:
    """The index of the first True in `where`, counted from 0."""
    return [int(i) for i in np.argwhere(where)[0]]


def _as_numbers(values):
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        # NumPy has no bfloat16.
        return (values.float() if values.is_floating_point() and values.itemsize < 4 else values).numpy()
    if isinstance(values, list | tuple):
        return [_as_numbers(value) for value in values]
    return values


def _kind(values) -> str:
    if isinstance(values, list | tuple):
        return f"a {type(values).__name__} whose parts have different lengths or are not numbers"
    if hasattr(values, "dtype"):
        return f"of dtype {values.dtype}"
    return "None" if values is None else f"of type {type(values).__name__}"


def _advice(seen: int, wanted: int, name: str) -> str:
    if seen <= wanted:
        return ""
    return f", so pick one example or head, for example {name}[{', '.join('0' * (seen - wanted))}]"
