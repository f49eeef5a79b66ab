"""What models and `generate` of Hugging Face return, as attention weights by the name of their part."""

from collections.abc import Mapping

import numpy as np

from ninelives.figures.arrays import as_array

FIELDS = {
    "attentions": "attention", "encoder_attentions": "encoder", "decoder_attentions": "decoder", "cross_attentions": "cross",
}
HOW_TO_GET_THEM = (
    'load the model with attn_implementation="eager" and call it with output_attentions=True, or pass the model itself: '
    "AttentionExplorer.of(model, …)"
)


def by_part(attentions) -> dict:
    """Attention weights by the name of their part, each in a form that `stacked` takes.

    `attentions` is an output of a model or of `generate`, a mapping from names to weights, or the weights of one part.

    Raises ValueError for an output without attention, for one whose attention is empty, as that of SDPA is, and for one of
    beam search, whose rows are beams that change places from step to step.
    """
    if hasattr(attentions, "beam_indices"):
        raise ValueError(
            "The output is of beam search, where the beams change places from step to step; call generate with num_beams=1, or pass the "
            "model and the sequence that it wrote: AttentionExplorer.of(model, sequence, …)."
        )
    given = {"attention": attentions}
    if isinstance(attentions, Mapping):
        is_output = hasattr(attentions, "to_tuple")
        given = {FIELDS[field]: attentions[field] for field in FIELDS if field in attentions} if is_output else dict(attentions)
        if not given:
            raise ValueError(f"The output has no attentions among {', '.join(map(str, attentions)) or 'its fields'}; {HOW_TO_GET_THEM}.")
    if "cross" in given and "attention" in given and not _is_empty(given["cross"]):
        given = {"decoder": given.pop("attention"), **given}
    parts = {name: _joined(weights) for name, weights in given.items() if not _is_empty(weights)}
    if not parts:
        raise ValueError(f"attentions is empty: the model kept no weights, as with SDPA, the default of Hugging Face; {HOW_TO_GET_THEM}.")
    return parts


def _is_empty(weights) -> bool:
    return weights is None or isinstance(weights, list | tuple) and all(map(_is_empty, weights))


def _joined(attentions):
    """The steps of `generate`, n tuples of L tensors (B, H, t, S), as L arrays (B, H, T, S); anything else as it is.

    Row by row they are one layer's attention: the first step has the rows of the prompt, each other step one row. What a
    step does not have yet is 0. Without a cache, each step has the rows of those before it, too, and the last has all.
    """
    if not isinstance(attentions, list | tuple):
        return attentions
    kinds = {isinstance(step, list | tuple) for step in attentions}
    if len(kinds) == 2 and any(hasattr(step, "ndim") for step in attentions):
        raise ValueError(
            "attentions holds tensors and tuples, as a model returns them with return_dict=False; pass the tuple of "
            "attentions alone, often outputs[-1]."
        )
    if kinds != {True}:
        return attentions
    steps = [list(step) for step in attentions]
    if not all(getattr(layer, "ndim", 0) == 4 for step in steps for layer in step):
        return attentions  # nested lists of numbers
    if len({len(step) for step in steps}) > 1:
        raise ValueError(
            "attentions holds tuples of different lengths; pass the L layers of one part, or what generate() returns, one "
            "tuple of L layers for each step."
        )
    if steps[-1][0].shape[2] > steps[0][0].shape[2]:
        return steps[-1]
    longest = max(step[0].shape[-1] for step in steps)
    return [np.concatenate([_widened(layer, longest) for layer in layers], axis=2) for layers in zip(*steps)]


def _widened(layer, columns: int) -> np.ndarray:
    weights = as_array(layer, "A step of attentions")  # (B, H, t, S)
    return np.pad(weights, [(0, 0)] * 3 + [(0, columns - weights.shape[-1])])
