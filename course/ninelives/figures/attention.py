"""Attention weights in whatever form a model returns them, checked and in one shape."""

from collections.abc import Sequence

import numpy as np

from ninelives.figures.arrays import as_array, as_labels, first_index
from ninelives.figures.style import number_repeats

# The sum of weights in bfloat16 can differ from 1 by half a per cent.
SUM_TOLERANCE = 0.01


def as_attention(
    attentions, tokens: Sequence[str], columns: Sequence[str] | None = None, batch: int = 0
) -> np.ndarray:
    """Attention weights as a float32 array (L, H, T, S).

    `attentions` is a tensor or array (L, H, T, S), (H, T, S) or (T, S), or a list or tuple
    of L layers, each (B, H, T, S) or (H, T, S), as Hugging Face models return them; of a
    batch, the example `batch` is taken. `tokens` names the T rows (queries), `columns` the
    S columns (keys) if they differ.

    Raises ValueError for another shape, NaN, a negative weight, and a row whose sum is not 1.
    Layers and heads are counted from 0 in messages, as an index counts them.
    """
    weights = stacked(attentions, batch)
    as_labels(tokens, weights.shape[2], "tokens", "rows of attention")
    if columns is None:
        as_labels(tokens, weights.shape[3], "tokens", "columns of attention")
    else:
        as_labels(columns, weights.shape[3], "columns", "columns of attention")
    refuse_invalid_weights(weights, tokens, np.ones(weights.shape, bool))
    return weights


def stacked(attentions, batch: int = 0) -> np.ndarray:
    """The numbers of `as_attention` as float32 (L, H, T, S); their shape is checked, they are not."""
    if isinstance(attentions, list | tuple) and any(
        layer is None or getattr(layer, "ndim", 0) >= 3 for layer in attentions
    ):
        attentions = np.stack(_layers(attentions, batch))
    weights = as_array(attentions, "attentions", dtype=np.float32)
    if not 2 <= weights.ndim <= 4:
        raise ValueError(
            f"attentions has shape {weights.shape}; pass (L, H, T, S), (H, T, S) or (T, S), "
            "or a list of L tensors (B, H, T, S)."
        )
    return weights.reshape((1,) * (4 - weights.ndim) + weights.shape)  # (L, H, T, S)


def _layers(attentions: Sequence, batch: int) -> list[np.ndarray]:
    layers = []
    for number, layer in enumerate(attentions):
        if layer is None:
            raise ValueError(
                f"Layer {number} of attentions is None: the model kept no weights, so ask for them "
                'with output_attentions=True (and attn_implementation="eager").'
            )
        layer = as_array(layer, f"Layer {number} of attentions", dtype=np.float32)
        if layer.ndim not in (3, 4):
            raise ValueError(
                f"Layer {number} of attentions has shape {layer.shape}; "
                "each layer must be (B, H, T, S) or (H, T, S)."
            )
        if layer.ndim == 4:
            if not -len(layer) <= batch < len(layer):
                raise ValueError(
                    f"batch is {batch}, but layer {number} of attentions holds {len(layer)} "
                    f"example{'' if len(layer) == 1 else 's'}, counted from 0 to {len(layer) - 1}."
                )
            layer = layer[batch]  # (H, T, S)
        if layers and layer.shape != layers[0].shape:
            raise ValueError(
                f"Layer {number} of attentions has (H, T, S) = {layer.shape}, layer 0 has "
                f"{layers[0].shape}; all layers must have the same shape."
            )
        layers.append(layer.astype(np.float32))
    return layers


def refuse_invalid_weights(
    weights: np.ndarray,
    tokens: Sequence[str],
    allowed: np.ndarray,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    or_else: str = "pass the mask",
) -> None:
    """Raise ValueError unless each row of the weights (L, H, T, S) is a softmax over the cells that are `allowed`.

    `allowed` is bool and of the same shape. A row with nothing allowed may hold anything. `layers` and `heads` are their
    numbers in the model, where these are others than 0, 1, 2, … `or_else` is what can be done where a row is NaN.
    """
    is_used = allowed.any(-1)  # (L, H, T)

    def where(broken: np.ndarray) -> str:
        return where_in(broken, tokens, layers, heads)

    broken = ~np.isfinite(weights) & is_used[..., None]
    if broken.any():
        value = "NaN" if np.isnan(weights[broken][0]) else "an infinite number"
        layer, head, _ = first_index(broken)[:3]
        if (broken[layer, head].any(-1) | ~is_used[layer, head]).all() and is_used[layer, head].sum() > 1:
            raise ValueError(f"{where(broken)} holds {value}, and so does every row of this head: look for {value} in the model's parameters and inputs, or for a mask that forbids every key.")
        raise ValueError(
            f"{where(broken)} holds {value}: a row whose keys are all masked, as those of padding may be, gives NaN in the "
            f"softmax, so let every row attend to at least one key, or {or_else}."
        )
    negative = (weights < 0) & is_used[..., None]
    if negative.any():
        raise ValueError(
            f"{where(negative)} holds the negative weight {weights[negative][0]:.3g}: "
            "these look like scores, so pass what the softmax returns; AttentionExplorer draws scores and other signed "
            'values with kind="scores" or kind="signed".'
        )
    off = (np.abs(weights.sum(-1) - 1) > SUM_TOLERANCE) & is_used
    if off.any():
        total = weights.sum(-1)[off][0]
        cut = (
            "; of a text that was cut, pass all rows and columns, and leave words out with hidden=. A model with attention sinks, as gpt-oss, "
            "returns such rows: pass the model itself, AttentionExplorer.of(model, …). One with attention in blocks, as BigBird, has no others."
        )
        raise ValueError(
            f"{where(off)} sums to {total:.3f}, not to 1: pass the weights after a softmax "
            f"over the last dimension and before dropout (call model.eval() first){cut if total < 1 else '.'}"
        )
    closed = (weights > SUM_TOLERANCE) & ~allowed & is_used[..., None]
    if closed.any():
        raise ValueError(
            f"{where(closed)} gives {weights[closed][0]:.2f} to a key that the mask forbids: in `mask`, "
            "True (or 1) is where a key may be attended to."
        )


def where_in(broken: np.ndarray, tokens: Sequence[str], layers: Sequence[int] | None, heads: Sequence[int] | None) -> str:
    """Where the first True of (L, H, T) or (L, H, T, S) is, in words."""
    layer, head, row = first_index(broken)[:3]
    layer, head = (layers or range(layer + 1))[layer], (heads or range(head + 1))[head]
    return f"Layer {layer}, head {head}, the row of {number_repeats([str(token) for token in tokens])[row]!r}"


def open_cells(weights: np.ndarray) -> np.ndarray:
    """Which cells are not masked, (L, T, S) of bool, as far as the weights (L, H, T, S) themselves tell.

    A softmax gives exactly 0 to a key that is masked, and hardly ever to another one. So two patterns are taken for
    a mask: every cell above the diagonal is 0 in every head, and no other cell is; or there are several heads, and
    all of them are 0 in the same cells. Anything else may be weights set by hand, and every cell counts as open.
    """
    zero = weights == 0  # (L, H, T, S)
    everywhere = zero.all((0, 1))  # (T, S)
    T, S = everywhere.shape
    is_causal = T == S > 2 and (everywhere == np.triu(np.ones((T, T), bool), 1)).all()
    is_shared = zero.shape[0] * zero.shape[1] > 1 and (zero == everywhere).all()
    masked = everywhere if is_causal or is_shared else np.zeros((T, S), bool)
    return np.broadcast_to(~masked, (len(weights), T, S))
