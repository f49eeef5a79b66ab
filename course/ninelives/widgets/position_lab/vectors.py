"""The vector of every word at every position, and its two parts."""

import numpy as np
import torch
from torch import nn

from ninelives.figures.style import visible
from ninelives.model.inspection import in_eval_mode

SAME = 1e-5  # numbers count as equal when they differ by less than this part of the largest


@torch.no_grad()
def every_word_everywhere(embedding: nn.Module, words: list[str], idx: torch.Tensor) -> np.ndarray:
    """(T, T, n_embd) float64: the vector of each word of `idx` (T,) at each position.

    Raises ValueError for vectors of another shape, for NaN, and for a vector that depends on the other words.
    """
    T = len(idx)
    weight = next(embedding.parameters(), idx)
    tables = []
    with in_eval_mode(embedding):  # dropout would change a word's vector from call to call
        # The second time in reverse, so that every word at every position has other neighbours.
        for sentence in (torch.arange(T), torch.arange(T).flip(0)):
            turns = torch.arange(T).unsqueeze(0) + torch.arange(T).unsqueeze(1)  # (T, T)
            arranged = sentence[turns % T]  # (T, T), in each row the words are rotated by one more position
            vectors = embedding(idx[arranged].to(weight.device))
            _check_vectors(vectors, arranged, words)
            table = torch.empty(vectors.shape, dtype=torch.float64)
            table[arranged, torch.arange(T)] = vectors.double().cpu()  # (T, T, n_embd)
            tables.append(table.float().double().numpy())  # as exact as what is sent
    table, again = tables
    away = np.abs(table - again).max(-1)  # (T, T)
    if away.max() > SAME * np.abs(table).max():
        word, position = np.unravel_index(away.argmax(), away.shape)
        raise ValueError(
            f"The vector of {words[word]!r} at position {position} changes with the words around it; pass the embedding layer "
            "alone, in which a vector depends on the word and its position."
        )
    return table


def rows_added(embedding: nn.Module, idx: torch.Tensor, table: np.ndarray) -> np.ndarray | None:
    """(T, n_embd) float64: each word's row of the token table, if the module adds it to the position's row of another table.

    None if no two of its tables add up to what it gives, `table` (T, T, n_embd).
    """
    T, _, channels = table.shape
    tables = [part.detach().cpu() for part in embedding.parameters() if part.dim() == 2 and part.shape[1] == channels]
    for token in tables:
        if len(token) <= idx.max():
            continue
        words = token[idx.cpu()].double().numpy()  # (T, n_embd)
        for position in tables:
            if position is token or len(position) < T:
                continue
            sums = words[:, None] + position[:T].double().numpy()  # (T, T, n_embd)
            if np.abs(sums - table).max() < SAME * np.abs(table).max():
                return words
    return None


def new_positions(lab) -> list[int]:
    """The positions whose vector was not in the sentence at the start."""
    if not lab.positions:
        return []
    new, left = [], [lab.table[word, word] for word in range(len(lab.words))]
    for position, word in enumerate(lab.order):
        away = [np.abs(vector - lab.table[word, position]).max() for vector in left]
        nearest = int(np.argmin(away))
        if away[nearest] < SAME * lab.largest:
            del left[nearest]
        else:
            new.append(position)
    return new


def strips_shown(lab) -> list[tuple[str, np.ndarray]]:
    """The rows shown, each a name and a vector (n_embd,): the parts, their sum, and what the sum was at the start."""
    position, name, part = lab.order.index(lab.word), visible(lab.words[lab.word]), lab.word_parts[lab.word]
    if not lab.positions:
        return [(name, part), ("= the model gets", part)]
    strips = [
        (name, part),
        (f"+ position {position}", lab.position_parts[lab.word, position]),
        ("= the model gets", lab.table[lab.word, position]),
    ]
    if position != lab.word:
        strips.append((f"before, position {lab.word}", lab.table[lab.word, lab.word]))
    return strips


def _check_vectors(vectors, arranged: torch.Tensor, words: list[str]) -> None:
    """Raise ValueError unless `vectors` is (T, T, n_embd) and finite."""
    T = len(words)
    if not isinstance(vectors, torch.Tensor) or vectors.dim() != 3 or vectors.shape[:2] != (T, T):
        seen = f"shape {tuple(vectors.shape)}" if isinstance(vectors, torch.Tensor) else type(vectors).__name__
        raise ValueError(
            f"For idx of shape ({T}, {T}) the module gave {seen}; it must give one vector for each id, shape ({T}, {T}, n_embd)."
        )
    broken = ~vectors.isfinite().all(-1).cpu()  # (T, T)
    if broken.any():
        row, position = broken.nonzero()[0].tolist()
        raise ValueError(
            f"The vector of {words[arranged[row, position]]!r} at position {position} holds NaN or infinity; look at the tables of "
            "your module."
        )
