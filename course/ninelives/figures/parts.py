"""The attention of a model, part by part: encoder, decoder and cross-attention, in the form that is drawn."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ninelives.figures.arrays import as_array, as_labels
from ninelives.figures.attention import open_cells, refuse_invalid_weights, stacked
from ninelives.figures.outputs import by_part
from ninelives.figures.scoring import Scoring, scoring_given
from ninelives.figures.signed import open_scores, refuse_invalid_scores
from ninelives.figures.subwords import item_of, readable
from ninelives.figures.which_heads import are_all, chosen, names_in, refuse_unclear_names


@dataclass(frozen=True, eq=False)
class AttentionPart:
    """What one part of a model attends to.

    Args:
        weights: (L, H, T, S) float32; a row sums to 1, or is 0 where it may attend to nothing. Of another `kind`, signed values.
        rows, columns: the T words that attend and the S words that they attend to, as people read them.
        cross: the columns are other words than the rows.
        allowed: (L, T, S) bool, False where a weight is masked or belongs to padding.
        layers, heads: their numbers in the model, counted from 0.
        names: what a head is called, for (layer, head), where it has a name.
        note: a sentence for the caption, such as "Example 0 (of 2, counted from 0)."
        all_heads: whether the layers have no other heads. Only then can heads be averaged, or a rollout be computed.
        kind: what the numbers are: "weights", "scores", "signed" values, or the "difference" of two sentences.
        scoring: the queries and keys that the weights come from, where they are known.
        pairs: in a part of a comparison, for each row and for each column which word of the other parts it stands for, or -1.
        item: what rows and columns are called in sentences, "word" or "token".
    """

    weights: np.ndarray
    rows: list[str]
    columns: list[str]
    cross: bool
    allowed: np.ndarray
    layers: list[int]
    heads: list[int]
    names: dict[tuple[int, int], str] = field(default_factory=dict)
    note: str = ""
    all_heads: bool = True
    kind: str = "weights"
    pairs: tuple[list[int], list[int]] | None = None
    scoring: Scoring | None = None
    item: str = "word"


def attention_parts(
    attentions,
    tokens: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    *,
    batch: int | None = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    names: Mapping[tuple, str] | None = None,
    mask=None,
    kind: str = "weights",
    queries=None,
    keys=None,
    channels: Sequence[str] | None = None,
) -> dict[str, AttentionPart]:
    """Attention weights by the name of their part, in the order in which they are offered.

    `attentions` is what `as_attention` takes; an output of a Hugging Face model or of its `generate`, whose parts are
    "attention", "encoder", "decoder" and "cross"; a mapping from names to weights; or what `attention_of` returned, which
    comes back as it is. `tokens` are the words that attend; `columns` those they attend to, where these are others. Of an
    encoder and a decoder, `tokens` are the decoder's words and `columns` the encoder's.

    `batch` is the example that is taken, the first if left out; a tensor (L, B, H, T, S) holds batches, too, and one
    (B, H, T, S) is a single layer of a batch if a number is given, and otherwise layers (L, H, T, S).
    `layers` and `heads` choose some of those given; where there are just as many as given and a number is too large to
    choose one, they are the true numbers of those given. `names` has the name of a head for its (layer, head).
    `mask` is True where a key may be attended to: (S,), (T, S), (B, S) of a batch, or what broadcasts to (L, H, T, S); of one (S,) of words
    that attend to themselves, the rows are masked, too. Without a mask, `open_cells` recognises one; False: there is none.
    `kind` says what the numbers are: "weights", "scores" as they are before the softmax, or other "signed" values.
    `queries` (L, H, T, d) and `keys` (L, H, S, d) are those that the weights come from, in the forms of `attentions`;
    `channels` are names for their d channels.

    Raises ValueError for what `as_attention` refuses, for an output whose attention is empty, and for missing words.
    """
    if isinstance(attentions, Mapping) and any(isinstance(part, AttentionPart) for part in attentions.values()):
        return dict(attentions)
    if kind not in ("weights", "scores", "signed"):
        raise ValueError(f"kind is {kind!r}; the numbers are \"weights\", \"scores\" or \"signed\" values.")
    parts = by_part(attentions)
    tokens, columns = as_words(tokens, "tokens"), as_words(columns, "columns")
    refuse_missing_words(parts, tokens, columns)
    refuse_unclear_names(names or {}, parts)
    if (queries is not None or keys is not None) and (len(parts) > 1 or kind != "weights"):
        raise ValueError("queries and keys belong to the weights of one part; here are " + (", ".join(parts) if len(parts) > 1 else kind) + ".")
    made = {}
    for name, given in parts.items():
        if getattr(given, "ndim", 0) == 5:
            given = list(given)  # L layers (B, H, T, S)
        elif batch is not None and getattr(given, "ndim", 0) == 4:
            given = [given]  # one layer (B, H, T, S)
        listed = given if isinstance(given, list | tuple) else []
        count = max((len(layer) for layer in listed if getattr(layer, "ndim", 0) == 4), default=1)
        weights = stacked(given, batch or 0)  # (L, H, T, S)
        rows, others = words_of(name, weights.shape, tokens, columns)
        of_layers, of_heads = chosen(layers, len(weights), "layers"), chosen(heads, weights.shape[1], "heads")
        allowed = _allowed(_mask_of_example(mask, batch or 0, count, weights), weights, others is not None, kind)[of_layers.positions]
        H, L = weights.shape[1], len(weights)
        if [of_layers.positions, of_heads.positions] != [list(range(L)), list(range(H))]:  # of a long text, a copy takes a second
            weights = weights[np.ix_(of_layers.positions, of_heads.positions)]
        made[name] = attention_part(
            weights, rows, others, allowed, of_layers.numbers, of_heads.numbers,
            names_in(name, names, of_layers.known, of_heads.known), batch_note(batch or 0, count),
            are_all(of_heads.numbers, H), kind=kind,
        )
        if queries is not None or keys is not None:
            which = of_layers.positions, of_heads.positions
            scoring = scoring_given(queries, keys, channels, made[name].weights, allowed, batch or 0, which, (L, H))
            made[name] = replace(made[name], scoring=scoring)
    return made


def attention_part(
    weights: np.ndarray,
    tokens: Sequence[str],
    columns: Sequence[str] | None,
    allowed: np.ndarray,
    layers: list[int],
    heads: list[int],
    names: dict[tuple[int, int], str],
    note: str,
    all_heads: bool,
    or_else: str = "pass the mask",
    kind: str = "weights",
) -> AttentionPart:
    """One part; the words as they are given, `columns` None where they are the same.

    `or_else` is what can be done where a row is NaN. The float32 weights are checked, and set to 0 where they are not allowed, in the array that is given.
    """
    rows = readable(tokens)
    everywhere = np.broadcast_to(allowed[:, None], weights.shape)  # (L, H, T, S)
    if kind == "weights":
        refuse_invalid_weights(weights, rows, everywhere, layers, heads, or_else)
    else:
        refuse_invalid_scores(weights, rows, everywhere, layers, heads)
    np.copyto(weights, 0, where=~allowed[:, None])
    cross = columns is not None
    return AttentionPart(
        weights, rows, readable(columns) if cross else rows, cross, allowed, layers, heads, names, note, all_heads, kind,
        item=item_of(tokens, *([columns] if cross else [])),
    )


def as_words(words, name: str) -> Sequence[str] | None:
    """`words` as something that can be read more than once; ValueError for what holds none."""
    if words is None or isinstance(words, str) or hasattr(words, "tolist"):
        return words
    try:
        return list(words)
    except TypeError:
        raise ValueError(f"{name} is {words!r}; pass a list with one word for each position.") from None


def refuse_missing_words(parts: Collection[str], tokens: Sequence[str] | None, columns: Sequence[str] | None) -> None:
    """Raise ValueError unless there are words for parts of these names."""
    if tokens is None:
        raise ValueError("tokens is None; pass the words that attend, one for each row of attention.")
    if columns is None and len({"encoder", "decoder", "cross"} & set(parts)) > 1:
        raise ValueError(
            f"There are several parts ({', '.join(parts)}), but words for one: pass the decoder's words as tokens and the "
            "encoder's as columns."
        )


def words_of(
    part: str, shape: tuple[int, ...], tokens: Sequence[str], columns: Sequence[str] | None
) -> tuple[Sequence[str], Sequence[str] | None]:
    """The words of the rows of a part (L, H, T, S), and those of its columns, or None where they are the same.

    A decoder that reads its encoder's hidden states before its own words, as in notebook 7, has the words of both.
    Raises ValueError where their number is another.
    """
    *_, T, S = shape
    rows, others, name_of_rows = tokens, columns, "tokens"
    if part == "encoder" and columns is not None:
        rows, others, name_of_rows = columns, None, "columns"
    if part == "decoder" and columns is not None:
        rows, others = ([*columns, *tokens] if T == len(columns) + len(tokens) else tokens), None
    if len(rows) == T + 1 == S + 1:
        raise ValueError(
            f"{name_of_rows} has {len(rows)} labels for {T} rows of attention; what generate() adds last has attended to "
            f"nothing yet, so for its output pass {name_of_rows}[:-1]."
        )
    what = "attention" if part == "attention" else f"{part} attention"
    _refuse_other_lengths(rows, T, name_of_rows, f"rows of {what}")
    if others is None and len(rows) == T < S and not isinstance(rows, str):
        raise ValueError(
            f"{name_of_rows} has {T} labels for {S} columns of {what}; where a module adds keys of its own (bias_k, bias_v, add_zero_attn, an "
            f'attention sink), or has keys from a cache, name all of them: columns=[*words, "sink"].'
        )
    if others is None and len(rows) == T > S and not isinstance(rows, str):
        raise ValueError(
            f"{name_of_rows} has {T} labels for {S} columns of {what}; if the columns are other words than the rows, pass those as columns=. A model "
            "that attends within windows, as Longformer and LED do, returns a window for each word, and no matrix over all words that could be drawn."
        )
    if others is None:
        _refuse_other_lengths(rows, S, name_of_rows, f"columns of {what}")
    else:
        _refuse_other_lengths(others, S, "columns", f"columns of {what}")
    return rows, others


def _refuse_other_lengths(words: Sequence[str], count: int, name: str, what: str) -> None:
    if not isinstance(words, str) and len(words) < count:
        raise ValueError(
            f"{name} has {len(words)} labels for {count} {what}; pass one label for each, also for padding and special tokens."
        )
    as_labels(words, count, name, what)


def batch_note(batch: int, count: int) -> str:
    """Which example of a batch is shown."""
    return f"Example {batch % count} (of {count}, counted from 0)." if count > 1 else ""


def _mask_of_example(mask, batch: int, count: int, weights: np.ndarray):
    """The row of a mask (B, S), as an attention_mask is; any other mask as it is."""
    T, S = weights.shape[-2:]
    return mask[batch] if count > 1 and getattr(mask, "shape", ()) == (count, S) and T != count else mask


def _allowed(mask, weights: np.ndarray, cross: bool, kind: str) -> np.ndarray:
    """Where attention is allowed, (L, T, S)."""
    L, _, T, S = shape = weights.shape
    seen_in = open_cells if kind == "weights" else open_scores
    if mask is None:
        return seen_in(weights)
    if mask is False:
        return np.ones((L, T, S), bool)
    mask = as_array(mask, "mask") > 0
    if not mask.any():
        raise ValueError(
            "mask forbids every key: in `mask`, True (or 1) is where a key may be attended to; of one that is added to the "
            "scores, 0 and negative numbers, pass mask == 0, and of a key_padding_mask pass ~mask."
        )
    if mask.ndim == 1:
        if len(mask) != S:
            raise ValueError(f"mask has {len(mask)} numbers for {S} columns of attention; pass one for each.")
        rows, words, allowed = np.arange(T) if cross else np.flatnonzero(mask), np.flatnonzero(mask), np.zeros((L, T, S), bool)
        # A causal mask is not said by an attention_mask, but seen among the words that are not padding.
        seen = seen_in(weights[:, :, rows][..., words])
        allowed[np.ix_(range(L), rows, words)] = seen | ~seen.any(-1, keepdims=True)
        return allowed
    try:
        return np.broadcast_to(mask, shape).any(1)  # (L, T, S)
    except ValueError:
        raise ValueError(
            f"mask has shape {mask.shape}; pass (S,), (T, S) or what broadcasts to (L, H, T, S) = {shape}."
        ) from None
