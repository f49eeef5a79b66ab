"""A way as it is sent to the browser: 16-bit integers, lengths, likely words."""

import base64

import numpy as np
import torch

from ninelives.widgets.layer_stepper.way import Way

LIKELY = 5  # words named at each station
MOST_SCORES = 512  # of a larger vocabulary the strips show the first
UNIT = 32767  # the largest number of a strip as it is sent
WITHIN = 0.98  # of all numbers of vectors have a colour of their own: one outlier would make all the others look white


def strips_of(way: Way) -> dict[str, torch.Tensor]:
    """What the strips show, by name; the order in which they are sent."""
    logits, probabilities = way.logits[:, :MOST_SCORES], way.logits.softmax(-1)[:, :MOST_SCORES]
    return {"stream": way.stream, "attention": way.attention, "mlp": way.mlp, "normed": way.normed[None],
            "logits": logits, "probabilities": probabilities}


def scales_of(strips: dict[str, torch.Tensor]) -> dict[str, float]:
    """The largest absolute number of all vectors, of the logits and of the probabilities; and "shown", the end of the vectors' colours."""
    vectors = torch.cat([part.abs().flatten() for name, part in strips.items() if name not in ("logits", "probabilities")])
    ends = {"vectors": float(vectors.max()), "shown": float(vectors.quantile(WITHIN))}
    ends |= {name: float(strips[name].abs().max()) for name in ("logits", "probabilities")}
    return {name: value or 1.0 for name, value in ends.items()}


def rounded(strips: dict[str, torch.Tensor], scales: dict[str, float]) -> dict[str, np.ndarray]:
    """The strips as int16, in units of the largest number of their kind / UNIT."""
    return {
        name: np.rint(part.numpy() / scales.get(name, scales["vectors"]) * UNIT).astype("<i2") for name, part in strips.items()
    }


def as_text(rows: dict[str, np.ndarray]) -> str:
    return base64.b64encode(b"".join(row.tobytes() for row in rows.values())).decode()


def likely(scores: torch.Tensor, vocabulary: list[str]) -> list:
    """(rows, T, V) to [row][token] of the most likely words, each [word, value]."""
    best = scores.topk(min(LIKELY, scores.shape[-1]), dim=-1)
    return [
        [[[vocabulary[word], value] for word, value in zip(*of_token, strict=True)] for of_token in zip(*of_row, strict=True)]
        for of_row in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
