"""The widget itself: its traits, and what it asks of a model."""

from collections.abc import Sequence

import numpy as np
import traitlets as t
from torch import nn

from ninelives.figures import Picture, number_repeats, position_of
from ninelives.figures.arrays import as_labels
from ninelives.widgets.arguments import check_position, words_and_ids
from ninelives.widgets.lab_widget import COLOURS, SIGNED, LabWidget, browser_code, browser_style
from ninelives.widgets.layer_stepper.encoding import UNIT, as_text, likely, rounded, scales_of, strips_of
from ninelives.widgets.layer_stepper.in_words import heading, likely_words, note_on, reading, stands_in, two
from ninelives.widgets.layer_stepper.picture import still_picture
from ninelives.widgets.layer_stepper.way import UsedOtherwise, refuse_nan, way_through

MOST_TOKENS = 64


class LayerStepper(LabWidget):
    """A token's vector after the embedding, after each block and after the final norm, then its scores.

    `model` is a Transformer with `layers` (embedding, blocks, norm) and `lm_head`, the package's or a learner's own, that
    takes idx (1, T) int64 and returns (logits, loss). `words` are the T words of the sentence, `idx` their ids, (T,) or
    (1, T), and `vocabulary` the word of every id. The model is run once, in eval mode. `instead` is shown in its place, and
    `note` says so, if it does not call each layer once, as a layer: `self.mlp.forward(x)` computes the same, but cannot be
    watched.

    At each station the final norm and `lm_head` are applied to the vector at that station: what the model would predict if
    it stopped there. That is the "logit lens" (nostalgebraist 2020, "interpreting GPT: the logit lens").

    The traits `station` (0 is the embedding) and `token` (the position of a word) are synced, so they can be set, observed
    and linked.

    Raises ValueError for words and ids that do not fit, for more than 64 of them, and for a model that has other layers,
    calls a layer not exactly once (where `instead` is None), or gives NaN; TraitError for a station or token that does not exist.
    """

    _esm = browser_code("layer_stepper")
    _css = browser_style("layer_stepper")

    strips: dict[str, np.ndarray]  # the numbers that the browser shows, by their names

    words = t.List(t.Unicode()).tag(sync=True)
    stations = t.List(t.Unicode()).tag(sync=True)
    shapes = t.List(t.Unicode()).tag(sync=True)  # one for each station
    sizes = t.Dict().tag(sync=True)  # tokens, blocks, channels, vocabulary, scores (how many are shown), parts (blocks that have them)
    # Rows of little-endian int16 in base64, in units of largest / UNIT: (L + 1, T, C) stream,
    # (L, T, C) attention, (L, T, C) mlp, (1, T, C) normed, (T, scores) logits, (T, scores) probabilities.
    numbers = t.Unicode().tag(sync=True)
    largest = t.Dict().tag(sync=True)  # of vectors, logits and probabilities; shown: the end of the vectors' colours
    lengths = t.Dict().tag(sync=True)  # norms of the vectors: stream, attention, mlp, normed, each [row][token]
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
        instead: nn.Module | None = None,
    ):
        words, idx = words_and_ids(words, idx, MOST_TOKENS)
        replaced = ""
        try:
            way = way_through(model, idx)
        except UsedOtherwise as error:
            if instead is None:
                raise
            way, replaced = way_through(instead, idx), stands_in(error)
        refuse_nan(way, words)
        L, T, C, V = len(way.stream) - 1, *way.stream.shape[1:], way.logits.shape[-1]
        vocabulary = as_labels(vocabulary, V, "vocabulary", "scores of the model")
        strips = strips_of(way)
        scales = scales_of(strips)
        sent = rounded(strips, scales)
        # As the browser has them, so that the still picture shows the same.
        self.strips = {name: rows / UNIT * scales.get(name, scales["vectors"]) for name, rows in sent.items()}
        super().__init__(
            words=number_repeats(words),
            stations=["embedding", *(f"block {k + 1}" for k in range(L)), "final norm", "logits", "probabilities"],
            shapes=[f"(B, T, n_embd) = (1, {T}, {C})"] * (L + 2) + [f"(B, T, vocab_size) = (1, {T}, {V})"] * 2,
            sizes={
                "tokens": T, "blocks": L, "channels": C, "vocabulary": V,
                "scores": strips["logits"].shape[-1], "parts": len(way.attention),
            },
            numbers=as_text(sent),
            largest=scales,
            lengths={name: strips[name].norm(dim=-1).tolist() for name in ("stream", "attention", "mlp", "normed")},
            ends=[[float(row.min()), float(row.max())] for row in way.logits],
            likely=[*likely(way.lens.softmax(-1), vocabulary), *likely(way.logits[None], vocabulary)],
            colours={"signed": SIGNED, **COLOURS},
            note=f"{replaced} {note_on(way)}".strip(),
        )
        # After the stations, against which they are checked.
        self.station, self.token = station, position_of(words, token)

    @t.validate("station", "token")
    def _exists(self, proposal) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        check_position(name, value, len(self.stations if name == "station" else self.words))
        return value

    def describe(self) -> str:
        """What the stepper shows at present, in words."""
        words = ", ".join(f"{word} {two(value)}" for word, value in likely_words(self))
        where = f"Station {self.station + 1} of {len(self.stations)}, {self.stations[self.station]}, shape {self.shapes[self.station]}."
        return f"{where} {reading(self)} {heading(self)} {words}. {self.note}"

    def picture(self) -> Picture:
        """The strips of the present token and station and the likely words, as a still picture."""
        return still_picture(self)

    def __repr__(self) -> str:
        return (
            f"LayerStepper({self.sizes['blocks']} blocks, {len(self.words)} words; {self.stations[self.station]}, "
            f"{self.words[self.token]!r} chosen)"
        )
