"""The attention explorer: every head of a model, at hand with mouse and keyboard."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import traitlets as t
from matplotlib.colors import to_hex

from ninelives.figures import (
    Picture,
    as_attention,
    describe_attention,
    heatmap,
    number_repeats,
    position_of,
    read_row,
)
from ninelives.figures.style import ACCENT, BLUE, SKY, WEIGHTS_MAP
from ninelives.widgets.lab_widget import LabWidget, browser_code, browser_style

UNIT = 64000  # a weight of 1 as it is sent; 640 steps to a hundredth
SHADES = [to_hex(WEIGHTS_MAP(k)) for k in range(256)]


class AttentionExplorer(LabWidget):
    """Attention weights as heatmap, lines and a grid of all heads, with each row in words.

    `attentions` is a tensor or array (L, H, T, S), (H, T, S) or (T, S), or a list of L
    tensors (B, H, T, S) as Hugging Face models return for `output_attentions=True` (the
    first of the batch is shown). `tokens` are the T words that read; `columns` the S words
    that are read, where they are others (cross-attention).

    The traits `layer`, `head` (counted from 0), `token` (position of the word whose row is
    chosen, or None) and `hidden` (positions of words left out; the rest of each row is
    renormalised) are synced, so they can be set, observed and linked.

    Raises ValueError for weights that do not fit the words or are no attention, and
    TraitError for a layer, head or position that is not there.
    """

    _esm = browser_code("attention_explorer")
    _css = browser_style("attention_explorer")

    shape = t.List(t.Int()).tag(sync=True)  # [L, H, T, S]
    rows = t.List(t.Unicode()).tag(sync=True)
    columns = t.List(t.Unicode()).tag(sync=True)
    cross = t.Bool().tag(sync=True)
    weights = t.Bytes().tag(sync=True)
    colours = t.Dict().tag(sync=True)
    layer = t.Int(0).tag(sync=True)
    head = t.Int(0).tag(sync=True)
    token = t.Int(None, allow_none=True).tag(sync=True)
    hidden = t.List(t.Int()).tag(sync=True)

    def __init__(
        self,
        attentions,
        tokens: Sequence[str],
        columns: Sequence[str] | None = None,
        layer: int = 0,
        head: int = 0,
        token: int | str | None = None,
    ):
        self._attention = as_attention(attentions, tokens, columns)  # (L, H, T, S)
        tokens = [str(token) for token in tokens]
        read = tokens if columns is None else [str(column) for column in columns]
        super().__init__(
            shape=list(self._attention.shape),
            rows=number_repeats(tokens),
            columns=number_repeats(read),
            cross=columns is not None,
            weights=_as_bytes(self._attention),
            colours={
                "weights": SHADES,
                "accent": ACCENT,
                "link": BLUE,
                "link-dark": SKY,
            },
        )
        # After the shape, against which they are checked.
        self.layer, self.head = layer, head
        self.token = None if token is None else position_of(tokens, token)
        self.on_msg(self._answer)

    @t.validate("layer", "head", "token")
    def _is_there(self, proposal) -> int | None:
        name, value = proposal["trait"].name, proposal["value"]
        count = dict(zip(("layer", "head", "token"), self.shape, strict=False)).get(name, 0)
        if value is None or 0 <= value < count or not self.shape:
            return value
        raise t.TraitError(
            f"{name} is {value}, but there {'is' if count == 1 else 'are'} {count}, "
            f"counted from 0 to {count - 1}."
        )

    @t.validate("hidden")
    def _are_there(self, proposal) -> list[int]:
        count = len(self.columns)
        for position in proposal["value"]:
            if not 0 <= position < count:
                raise t.TraitError(
                    f"hidden names the position {position}, but there are {count} words, "
                    f"counted from 0 to {count - 1}."
                )
        return sorted(set(proposal["value"]))

    def describe(self) -> str:
        """What the explorer shows at present, in words."""
        weights, rows, columns = self._shown()
        if not columns:
            return f"{self._where()}. Every word is hidden."
        said = [f"{self._where()}."]
        if self.hidden:
            names = ", ".join(self.columns[j] for j in self.hidden)
            said.append(f"Hidden: {names}; each row is renormalised, so the words shown sum to 1.")
        if self._chosen() is not None:
            said.append(f"Chosen: {read_row(weights, rows, self._chosen(), columns)}.")
        return " ".join([*said, describe_attention(weights, rows, columns)])

    def picture(self) -> Picture:
        """The heatmap of the present head, as a still picture."""
        weights, rows, columns = self._shown()
        if not columns:
            raise ValueError(
                f"All {len(self.columns)} words are hidden; set hidden = [] to draw them again."
            )
        chosen, caption, mark = self._chosen(), self._where(), []
        if chosen is not None:
            caption += f": {read_row(weights, rows, chosen, columns)}"
            mark = [(chosen, int(weights[chosen].argmax()))]
        if self.hidden:
            caption += f" ({len(self.hidden)} hidden, rows renormalised)"
        drawn = heatmap(
            weights, rows, columns if self.cross else None,
            title=caption, caption=caption, mark=mark,
        )
        return replace(drawn, alt=self.describe())

    def __repr__(self) -> str:
        layers, heads, *_ = self.shape
        words = f"{len(self.rows)} words"
        if self.cross:
            words += f" reading {len(self.columns)}"
        chosen = "" if self.token is None else f"; {self.rows[self.token]!r} chosen"
        return (
            f"AttentionExplorer({layers} × {heads} heads, {words}; "
            f"{self._where().lower()}{chosen})"
        )

    def _picture_or_none(self) -> Picture | None:
        return self.picture() if len(self.hidden) < len(self.columns) else None

    def _where(self) -> str:
        layers, heads, *_ = self.shape
        return f"Layer {self.layer + 1} of {layers}, head {self.head + 1} of {heads}"

    def _chosen(self) -> int | None:
        """The position of the chosen word among the rows shown."""
        if self.token is None or self.cross:
            return self.token
        return None if self.token in self.hidden else (
            self.token - sum(j < self.token for j in self.hidden)
        )

    def _shown(self) -> tuple[np.ndarray, list[str], list[str]]:
        """The present head (T, S) without the hidden words, renormalised, and its labels."""
        weights = self._attention[self.layer, self.head].astype(np.float64)  # (T, S)
        kept = [j for j in range(len(self.columns)) if j not in self.hidden]
        read_by = range(len(self.rows)) if self.cross else kept
        weights = weights[np.ix_(read_by, kept)]
        if self.hidden:
            sums = weights.sum(-1, keepdims=True)
            weights = np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)
        return weights, [self.rows[i] for i in read_by], [self.columns[j] for j in kept]

    def _answer(self, _widget, content: dict, _buffers) -> None:
        if content.get("ask") == "html":
            self.send({"kind": "html", "page": self._page()})


def _as_bytes(weights: np.ndarray) -> bytes:
    """Weights (L, H, T, S) as little-endian 16-bit integers, in units of 1 / UNIT.

    A step is 0.000016. Each integer stays within the hundredth that its weight rounds to,
    so two decimals printed in the browser are those that Python prints.
    """
    weights = weights.astype(np.float64)
    nearest = np.rint(weights * 100) * (UNIT // 100)
    most = UNIT // 200 - 1  # further off would round to another hundredth
    inside = np.clip(np.rint(weights * UNIT), nearest - most, nearest + most)
    return np.maximum(inside, 0).astype("<u2").tobytes()
