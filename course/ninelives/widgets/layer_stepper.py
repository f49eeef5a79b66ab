"""The layer stepper: one token's vector on its way through a Transformer."""

import base64
from collections.abc import Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
import traitlets as t
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from torch import nn

from ninelives.figures import Picture, number_repeats, position_of
from ninelives.figures.arrays import as_labels
from ninelives.figures.cells import draw_cells, label_rows
from ninelives.figures.style import (
    ACCENT,
    BLUE,
    INK,
    LABEL_SIZE,
    RULE,
    SIGNED_MAP,
    SKY,
    place_axes,
    put_note,
    put_title,
    visible,
)
from ninelives.widgets.lab_widget import LabWidget, browser_code, browser_style

MOST_TOKENS = 64
MOST_SCORES = 512  # of a larger vocabulary the strips show the first
LIKELY = 5  # words named at each station
UNIT = 32767  # the largest number of a strip as it is sent
CLOSE = 1e-3  # part of the largest number; the sums of a block may be off by this much


class LayerStepper(LabWidget):
    """A token's vector after the embedding, after each block and after the final norm, then its scores.

    `model` is a Transformer with `layers` (embedding, blocks, norm) and `lm_head`, whether the
    package's or a learner's own, that takes idx (1, T) int64 and returns (logits, loss). `words`
    are the T words of the sentence, `idx` their ids, (T,) or (1, T), and `vocabulary` the word
    of every id. The model is run once, in evaluation.

    At each station the final norm and `lm_head` are applied to the vector as it is there: what
    the model would say if it stopped there. That is the "logit lens" (nostalgebraist 2020,
    "interpreting GPT: the logit lens").

    The traits `station` (0 is the embedding) and `token` (the place of a word) are synced, so
    they can be set, observed and linked.

    Raises ValueError for words and ids that do not fit, for more than 64 of them, for a model
    that has other layers, uses a block not once, or gives NaN; TraitError for a station or token
    that is not there.
    """

    _esm = browser_code("layer_stepper")
    _css = browser_style("layer_stepper")

    words = t.List(t.Unicode()).tag(sync=True)
    stations = t.List(t.Unicode()).tag(sync=True)
    shapes = t.List(t.Unicode()).tag(sync=True)  # one for each station
    sizes = t.Dict().tag(sync=True)  # tokens, blocks, channels, vocabulary, scores (how many are shown)
    # Rows of little-endian int16 in base64, in units of largest / UNIT: (L + 1, T, C) stream,
    # (L, T, C) attention, (L, T, C) mlp, (1, T, C) normed, (T, scores) logits, (T, scores) probabilities.
    numbers = t.Unicode().tag(sync=True)
    largest = t.Dict().tag(sync=True)  # of vectors, logits and probabilities: the end of the scale
    lengths = t.Dict().tag(sync=True)  # of the vectors: stream, attention, mlp, normed, each [row][token]
    ends = t.List(t.List(t.Float())).tag(sync=True)  # lowest and highest score of each token
    likely = t.List().tag(sync=True)  # [row][token] of [word, probability], for stream; then of [word, score]
    colours = t.Dict().tag(sync=True)
    note = t.Unicode().tag(sync=True)
    station = t.Int(0).tag(sync=True)
    token = t.Int(0).tag(sync=True)

    def __init__(
        self,
        model: nn.Module,
        idx,
        words: Sequence[str],
        vocabulary: Sequence[str],
        token: int | str = 0,
        station: int = 0,
    ):
        words, idx = _words_and_ids(words, idx)
        way = _way_through(model, idx)
        _refuse_nan(way, words)
        vocabulary = as_labels(vocabulary, way.logits.shape[-1], "vocabulary", "scores of the model")
        L, T, C = len(way.stream) - 1, *way.stream.shape[1:]
        V = len(vocabulary)
        shown = min(V, MOST_SCORES)
        vectors = {"stream": way.stream, "attention": way.attention, "mlp": way.mlp, "normed": way.normed[None]}
        scores = {"logits": way.logits[:, :shown], "probabilities": way.logits.softmax(-1)[:, :shown]}
        largest = {"vectors": max(float(part.abs().max()) for part in vectors.values() if part.numel())}
        largest |= {name: float(part.abs().max()) for name, part in scores.items()}
        largest = {name: value or 1.0 for name, value in largest.items()}
        parts = [(part, largest["vectors"]) for part in vectors.values()] + [(part, largest[name]) for name, part in scores.items()]
        sent = [np.rint(part.numpy() / scale * UNIT).astype("<i2") for part, scale in parts]
        self._strips = dict(zip((*vectors, *scores), (rows.astype(np.float64) / UNIT * scale for rows, (_, scale) in zip(sent, parts, strict=True)), strict=True))
        colour_map = SIGNED_MAP.resampled(255)  # odd, so that the one in the middle is white
        super().__init__(
            words=number_repeats(words),
            stations=["embedding", *(f"block {k + 1}" for k in range(L)), "final norm", "logits", "probabilities"],
            shapes=[f"(B, T, n_embd) = (1, {T}, {C})"] * (L + 2) + [f"(B, T, vocab_size) = (1, {T}, {V})"] * 2,
            sizes={"tokens": T, "blocks": L, "channels": C, "vocabulary": V, "scores": shown, "parts": len(way.attention)},
            numbers=base64.b64encode(b"".join(rows.tobytes() for rows in sent)).decode(),
            largest=largest,
            lengths={name: part.norm(dim=-1).tolist() for name, part in vectors.items()},
            ends=[[float(row.min()), float(row.max())] for row in way.logits],
            likely=[*_likely(way.lens.softmax(-1), vocabulary), *_likely(way.logits[None], vocabulary)],
            colours={"signed": [to_hex(colour_map(k)) for k in range(255)], "accent": ACCENT, "link": BLUE, "link-dark": SKY},
            note=_note(way),
        )
        # After the stations, against which they are checked.
        self.station, self.token = station, position_of(words, token)

    @t.validate("station", "token")
    def _is_there(self, proposal) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        count = len(self.stations if name == "station" else self.words)
        if count and not 0 <= value < count:
            raise t.TraitError(
                f"{name} is {value}, but there {'is' if count == 1 else 'are'} {count}, counted from 0 to {count - 1}."
            )
        return value

    def describe(self) -> str:
        """What the stepper shows at present, in words."""
        return " ".join([
            f"Station {self.station + 1} of {len(self.stations)}, {self.stations[self.station]}, shape {self.shapes[self.station]}.",
            self._reading(), self._saying(), self.note,
        ])

    def picture(self) -> Picture:
        """The strips of the present token and station and the likely words, as a still picture."""
        strips, likely, heading, reading = self._shown(), self._likely_words(), self._heading(), self._reading()
        name, station = visible(self.words[self.token]), self.station

        def draw(figure: Figure) -> None:
            for k, (label, values, largest) in enumerate(strips):
                axes = place_axes(figure, 1.4, 0.5 + 0.42 * k, 5.6, 0.3)
                draw_cells(axes, values[None], SIGNED_MAP, -largest, largest)
                label_rows(axes, [label])
            axes = place_axes(figure, 1.4, 0.9 + 0.42 * len(strips), 4.4, 0.24 * len(likely))
            axes.set_title(heading, size=LABEL_SIZE, loc="left", color=INK)
            axes.barh(range(len(likely)), [max(0.0, value) for _, value in likely], height=0.7, color=BLUE)
            axes.set_xlim(0, max(1e-9, *(value for _, value in likely)))
            axes.set_ylim(len(likely) - 0.5, -0.5)
            axes.set_yticks(range(len(likely)), [visible(word) for word, _ in likely])
            axes.set_xticks([])
            axes.spines[["top", "right", "bottom"]].set_visible(False)
            axes.spines["left"].set_color(RULE)
            for y, (_, value) in enumerate(likely):
                axes.annotate(
                    _two(value), (max(0.0, value), y), xytext=(4, 0), textcoords="offset points", va="center",
                    size=LABEL_SIZE, color=INK,
                )
            put_note(figure, reading)
            put_title(figure, f"“{name}” at station {station + 1} of {len(self.stations)}: {self.stations[station]}")

        return Picture(draw, reading, self.describe())

    def __repr__(self) -> str:
        return (
            f"LayerStepper({self.sizes['blocks']} blocks, {len(self.words)} words; {self.stations[self.station]}, "
            f"{self.words[self.token]!r} chosen)"
        )

    # The same words as in layer_stepper.js.
    def _reading(self) -> str:
        s, L, name = self.station, self.sizes["blocks"], f"“{self.words[self.token]}”"

        def length(kind: str, row: int) -> str:
            return _two(self.lengths[kind][row][self.token])

        if s == 0:
            return f"The embedding of {name} is a vector of {self.sizes['channels']} numbers and of norm {length('stream', 0)}."
        if s <= L:
            after = f"After {self.stations[s]} the vector of {name} has norm {length('stream', s)}"
            if not self.sizes["parts"]:
                return f"{after}; before it was {length('stream', s - 1)}."
            return f"{after}. Attention added a vector of norm {length('attention', s - 1)}, the mlp one of {length('mlp', s - 1)}."
        if s == L + 1:
            return f"The final norm brings the vector of {name} from norm {length('stream', L)} to {length('normed', 0)}."
        if s == L + 2:
            low, high = self.ends[self.token]
            return f"lm_head gives {name} a score for each of {self.sizes['vocabulary']} words, from {_two(low)} to {_two(high)}."
        return f"The softmax makes probabilities of the scores of {name}: none is negative, and together they are 1."

    def _heading(self) -> str:
        s, L = self.station, self.sizes["blocks"]
        if s <= L:
            return "If the model stopped here, the likely next words would be:"
        return {1: "What lm_head will make of it:", 2: "The highest scores:", 3: "The most likely next words:"}[s - L]

    def _likely_words(self) -> list[tuple[str, float]]:
        s, L = self.station, self.sizes["blocks"]
        row = L + 1 if s == L + 2 else min(s, L)
        return [(word, value) for word, value in self.likely[row][self.token]]

    def _saying(self) -> str:
        return f"{self._heading()} {', '.join(f'{word} {_two(value)}' for word, value in self._likely_words())}."

    def _shown(self) -> list[tuple[str, np.ndarray, float]]:
        """The strips of this station: name, numbers, end of the scale."""
        s, L, vectors = self.station, self.sizes["blocks"], self.largest["vectors"]

        def strip(name: str, kind: str, row: int) -> tuple[str, np.ndarray, float]:
            return name, self._strips[kind][row, self.token], vectors

        if s == 0:
            return [strip("embedding", "stream", 0)]
        if s <= L:
            added = [strip("+ attention", "attention", s - 1), strip("+ mlp", "mlp", s - 1)] if self.sizes["parts"] else []
            return [strip("before", "stream", s - 1), *added, strip("= after", "stream", s)]
        if s == L + 1:
            return [strip("before", "stream", L), strip("normed", "normed", 0)]
        scores = ("scores", self._strips["logits"][self.token], self.largest["logits"])
        if s == L + 2:
            return [scores]
        return [scores, ("probabilities", self._strips["probabilities"][self.token], self.largest["probabilities"])]


class Way(NamedTuple):
    """What a model computes for one sentence: L blocks, T tokens, C channels, V words; float64."""

    stream: torch.Tensor  # (L + 1, T, C), after the embedding and after each block
    attention: torch.Tensor  # (L, T, C), what attention gave in each block; (0, T, C) where blocks have none
    mlp: torch.Tensor  # (L, T, C)
    normed: torch.Tensor  # (T, C)
    lens: torch.Tensor  # (L + 1, T, V), final norm and lm_head of the stream
    logits: torch.Tensor  # (T, V)


@contextmanager
def _in_evaluation(model: nn.Module):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()  # dropout would change the numbers at every look
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@torch.no_grad()
def _way_through(model: nn.Module, idx: torch.Tensor) -> Way:
    layers = getattr(model, "layers", None)
    if not isinstance(layers, nn.ModuleDict) or not {"embedding", "blocks", "norm"} <= set(layers) or not hasattr(model, "lm_head"):
        raise ValueError(
            f"{type(model).__name__} has no `layers` with embedding, blocks and norm, or no `lm_head`; pass a Transformer "
            "as notebook 3 builds it."
        )
    blocks = list(layers["blocks"])
    has_parts = all(isinstance(getattr(block, name, None), nn.Module) for block in blocks for name in ("attention", "mlp"))
    watched = {"the embedding": layers["embedding"], "the final norm": layers["norm"]}
    for k, block in enumerate(blocks):
        watched[f"block {k + 1}"] = block
        if has_parts:
            watched |= {f"attention of block {k + 1}": block.attention, f"the mlp of block {k + 1}": block.mlp}
    seen: dict[str, list] = {name: [] for name in watched}
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: seen[name].append(output))
        for name, module in watched.items()
    ]
    weight = next(model.parameters(), idx)
    with _in_evaluation(model):
        try:
            result = model(idx.unsqueeze(0).to(weight.device))
        finally:
            for hook in hooks:
                hook.remove()
        for name, outputs in seen.items():
            if len(outputs) != 1:
                raise ValueError(f"{name} was used {len(outputs)} times in one forward; the stepper shows models that use each layer once.")
        logits = result[0] if isinstance(result, tuple | list) else result

        def of(name: str) -> torch.Tensor:
            return seen[name][0][0]  # (T, C)

        numbers = range(1, len(blocks) + 1)
        stream = torch.stack([of("the embedding"), *(of(f"block {k}") for k in numbers)])  # (L + 1, T, C)
        none = stream[:0]
        way = Way(
            stream,
            torch.stack([of(f"attention of block {k}") for k in numbers]) if has_parts and blocks else none,
            torch.stack([of(f"the mlp of block {k}") for k in numbers]) if has_parts and blocks else none,
            of("the final norm"),
            model.lm_head(layers["norm"](stream)),
            logits[0],
        )
    if way.logits.dim() != 2 or way.logits.shape != way.lens.shape[1:]:
        raise ValueError(
            f"the model gives scores of shape {tuple(logits.shape)} for {len(idx)} tokens; (1, T, vocab_size) = "
            f"(1, {len(idx)}, {way.lens.shape[-1]}) is wanted."
        )
    return Way(*(part.double().cpu() for part in way))


def _words_and_ids(words: Sequence[str], idx) -> tuple[list[str], torch.Tensor]:
    """`words` as a list and `idx` as a tensor (T,), once they fit."""
    ids = torch.as_tensor(idx)
    if ids.dim() == 2 and len(ids) == 1:
        ids = ids[0]
    if ids.dim() != 1 or ids.is_floating_point():
        raise ValueError(
            f"idx has shape {tuple(ids.shape)} and dtype {ids.dtype}; pass the ids of one sentence, whole numbers of "
            "shape (T,) or (1, T)."
        )
    if not 1 <= len(ids) <= MOST_TOKENS:
        raise ValueError(f"The sentence has {len(ids)} words; the stepper shows 1 to {MOST_TOKENS}.")
    return as_labels(words, len(ids), "words", "ids in idx"), ids.long()


def _refuse_nan(way: Way, words: list[str]) -> None:
    for row, part in enumerate((*way.stream, way.normed, way.logits)):
        broken = ~part.isfinite().all(-1)  # (T,)
        if broken.any():
            L = len(way.stream) - 1
            where = "after the embedding" if row == 0 else f"after block {row}" if row <= L else "after the final norm" if row == L + 1 else "among its scores"
            raise ValueError(
                f"The vector of {words[int(broken.nonzero()[0])]!r} holds NaN or infinity {where}; look for the step that "
                "made it, often a softmax over a row in which every key is masked."
            )


def _likely(scores: torch.Tensor, vocabulary: list[str]) -> list:
    """(rows, T, V) to [row][token] of the most likely words, each [word, value]."""
    best = scores.topk(min(LIKELY, scores.shape[-1]), dim=-1)
    return [
        [[[vocabulary[word], value] for word, value in zip(*of_token, strict=True)] for of_token in zip(*of_row, strict=True)]
        for of_row in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]


def _note(way: Way) -> str:
    """Whether the blocks only add."""
    if not len(way.stream) > 1:
        return ""
    if not len(way.attention):
        return "The blocks have no parts called attention and mlp, so only what comes in and goes out is shown."
    off = (way.stream[:-1] + way.attention + way.mlp - way.stream[1:]).abs().amax((1, 2))  # (L,)
    if (off <= CLOSE * way.stream.abs().max()).all():
        return "In every block: the vector before + what attention adds + what the mlp adds = the vector after."
    return f"In block {int(off.argmax()) + 1} the sums do not come out, by up to {_two(float(off.max()))}: it does something else than add."


def _two(x: float) -> str:
    """Two decimals, with a true minus and no minus zero."""
    text = f"{x:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")
