"""The widget itself: its traits, the head shown, its picture and its words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import traitlets as t

from ninelives.figures import Picture, as_attention, describe_attention, heatmap, number_repeats, position_of, read_row
from ninelives.widgets.arguments import check_position
from ninelives.widgets.attention_explorer.encoding import SHADES, as_bytes
from ninelives.widgets.attention_explorer.shown import chosen_row, head_name, shown_head
from ninelives.widgets.lab_widget import COLOURS, LabWidget, browser_code, browser_style

LEAST_PRINTED = 0.005  # it would be printed as 0.00; the browser leaves it out as well


class AttentionExplorer(LabWidget):
    """Attention weights as heatmap, lines and a grid of all heads, with each row in words.

    `attentions` is a tensor or array (L, H, T, S), (H, T, S) or (T, S), or a list of L tensors (B, H, T, S) as Hugging
    Face models return for `output_attentions=True` (the first of the batch is shown). `tokens` are the T words that
    attend; `columns` are the S words that they attend to, where these are others (cross-attention).

    `token`, a word or its position, is the one whose row is chosen; with `to`, a column, the ranking of heads opens on the
    link from `token` to it. `hide` are columns that are left out at first. `groups` maps names to positions of columns,
    each of which one click hides or shows: {"English": range(9), "French": range(9, 20)}.

    The traits `layer`, `head` (counted from 0), `token` (position of the word whose row is chosen, or None) and `hidden`
    (positions of words left out; the rest of each row is renormalised) are synced, so they can be set, observed and
    linked.

    Raises ValueError for weights that do not fit the words or are no attention, and TraitError for a layer, head or
    position that does not exist.
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
    to = t.Int(None, allow_none=True).tag(sync=True)  # only the first link that is ranked
    groups = t.Dict().tag(sync=True)

    def __init__(
        self,
        attentions,
        tokens: Sequence[str],
        columns: Sequence[str] | None = None,
        layer: int = 0,
        head: int = 0,
        token: int | str | None = None,
        to: int | str | None = None,
        hide: Sequence[int | str] = (),
        groups: Mapping[str, Sequence[int]] | None = None,
    ):
        self.attention = as_attention(attentions, tokens, columns)  # (L, H, T, S)
        tokens = [str(token) for token in tokens]
        attended = tokens if columns is None else [str(column) for column in columns]
        super().__init__(
            shape=list(self.attention.shape),
            rows=number_repeats(tokens),
            columns=number_repeats(attended),
            cross=columns is not None,
            weights=as_bytes(self.attention),
            colours={"weights": SHADES, **COLOURS},
            to=None if to is None else position_of(attended, to),
            groups={name: [position_of(attended, j) for j in columns] for name, columns in (groups or {}).items()},
        )
        # After the shape, against which they are checked.
        self.layer, self.head = layer, head
        self.token = None if token is None else position_of(tokens, token)
        self.hidden = [position_of(attended, column) for column in hide]
        self.on_msg(self._answer)

    @t.validate("layer", "head", "token")
    def _exists(self, proposal) -> int | None:
        name, value = proposal["trait"].name, proposal["value"]
        if value is not None and self.shape:
            check_position(name, value, self.shape[("layer", "head", "token").index(name)])
        return value

    @t.validate("hidden")
    def _exist(self, proposal) -> list[int]:
        count = len(self.columns)
        for position in proposal["value"]:
            if not 0 <= position < count:
                raise t.TraitError(
                    f"hidden names the position {position}, but there are {count} words, counted from 0 to {count - 1}."
                )
        return sorted(set(proposal["value"]))

    def describe(self) -> str:
        """What the explorer shows at present, in words."""
        weights, rows, columns = shown_head(self)
        if not columns:
            return f"{head_name(self)}. Every word is hidden."
        said = [f"{head_name(self)}."]
        if self.hidden:
            names = ", ".join(self.columns[j] for j in self.hidden)
            said.append(f"Hidden: {names}; each row is renormalised, so the words shown sum to 1.")
        if chosen_row(self) is not None:
            said.append(f"Chosen: {read_row(weights, rows, chosen_row(self), columns)}.")
        return " ".join([*said, describe_attention(weights, rows, columns)])

    def picture(self) -> Picture:
        """The heatmap of the present head, as a still picture."""
        weights, rows, columns = shown_head(self)
        if not columns:
            raise ValueError(f"All {len(self.columns)} words are hidden; set hidden = [] to draw them again.")
        row, caption, mark = chosen_row(self), head_name(self), []
        if row is not None:
            caption += f": {read_row(weights, rows, row, columns)}"
            mark = [(row, int(weights[row].argmax()))]
        if self.hidden:
            caption += f" ({len(self.hidden)} hidden, rows renormalised)"
        drawn = heatmap(weights, rows, columns if self.cross else None, title=caption, caption=caption, mark=mark, least_printed=LEAST_PRINTED)
        return replace(drawn, alt=self.describe())

    def __repr__(self) -> str:
        layers, heads, *_ = self.shape
        words = f"{len(self.rows)} words"
        if self.cross:
            words += f" reading {len(self.columns)}"
        chosen = "" if self.token is None else f"; {self.rows[self.token]!r} chosen"
        return f"AttentionExplorer({layers} × {heads} heads, {words}; {head_name(self).lower()}{chosen})"

    def _picture_or_none(self) -> Picture | None:
        return self.picture() if len(self.hidden) < len(self.columns) else None

    def _answer(self, _widget, content: dict, _buffers) -> None:
        if content.get("ask") == "html":
            self.send({"kind": "html", "page": self._page()})
