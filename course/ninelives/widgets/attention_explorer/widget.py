"""The widget itself: its traits, the head shown, its picture and its words."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path

from ninelives.figures import Picture, attention_of
from ninelives.figures.attention_picture import attention_picture
from ninelives.figures.scale import top_of
from ninelives.widgets.attention_explorer.arguments import parts_given
from ninelives.widgets.attention_explorer.comparison import difference
from ninelives.widgets.attention_explorer.encoding import SHADES, first_state
from ninelives.widgets.attention_explorer.in_words import caption, describe, notes, sentences
from ninelives.widgets.attention_explorer.numbers_out import data_frame, measures, row
from ninelives.widgets.attention_explorer.saving import answer, save, whole_data
from ninelives.widgets.attention_explorer.shown import full_name, head_name, shown_head
from ninelives.widgets.attention_explorer.state import ExplorerState
from ninelives.widgets.lab_widget import COLOURS, browser_code, browser_style


class AttentionExplorer(ExplorerState):
    """Attention weights as heatmap, lines and a grid of all heads, with each row in words.

    `attentions` is a tensor or array (L, H, T, S), (H, T, S) or (T, S), or a list of L tensors (B, H, T, S) as Hugging
    Face models return for `output_attentions=True`. `tokens` are the T words that attend; `columns` are the S words that
    they attend to, where these are others (cross-attention). A dict of parts, as `figures.attention_parts` makes them,
    takes the place of the three: encoder, decoder and cross-attention in one widget. `given` are the other arguments of
    `attention_parts`: `mask`, `batch`, `layers`, `heads`, `names`. `model` is a name for captions.

    These are traits: they can be given here, set, observed and linked. Words and negative positions are taken, too.

    - `part`: the name of the part that is shown; `layer` and `head`: positions in what was given, counted from 0.
    - `combine`: "" for one head, or what heads do together: "layer" and "model" for means, "rollout" (`figures.measures`).
    - `token`: the word whose row is chosen, or None; read as a position. `word` is the same as a word, for
      linking explorers of different sentences.
    - `hidden`: columns that are left out; the rest of each row is renormalised. `to`: a column; with `token` it is the
      link by which heads are ranked at first. `groups` maps names to columns, each of which one click hides or shows:
      {"English": range(9), "French": range(9, 20)}.
    - `scale`: "linear" or "sqrt", how colours follow the weights; `vmax`: the weight with the darkest colour, or "head"
      for the largest of the head shown.
    - `first`: 0, or 1 for readers who count layers and heads from 1.

    Raises ValueError for weights that do not fit the words or are no attention and for words that are not there, TypeError
    for an argument that it does not have, and TraitError for a layer, head or position that does not exist.
    """

    _esm = browser_code("attention_explorer")
    _css = browser_style("attention_explorer")

    def __init__(
        self,
        attentions,
        tokens: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        layer: int = 0,
        head: int = 0,
        token: int | str | None = None,
        to: int | str | None = None,
        hidden: Sequence[int | str] = (),
        groups: Mapping[str, Sequence[int | str]] | None = None,
        *,
        part: str | None = None,
        model: str = "",
        scale: str = "linear",
        vmax: float | str = 1.0,
        first: int = 0,
        combine: str = "",
        **given,
    ):
        self.parts = parts_given(attentions, tokens, columns, given, AttentionExplorer)
        super().__init__(
            data=[first_state(name, part, layer, head) for name, part in self.parts.items()], colours={"weights": SHADES, **COLOURS},
            part=part or next(iter(self.parts)), model=model, scale=scale, vmax=vmax, first=first,
        )
        self.layer, self.head, self.combine, self.token, self.to = layer, head, combine, token, to  # after the part, by which they are checked
        self.hidden, self.groups = [hidden] if isinstance(hidden, str | int) else list(hidden), dict(groups or {})
        self.on_msg(self._answer)

    @classmethod
    def of(
        cls, model, /, *inputs, tokens: Sequence[str], columns: Sequence[str] | None = None, **named
    ) -> "AttentionExplorer":
        """The attention of any model that PyTorch runs: `model(*inputs, **named)` is computed once and read by the way.

        `tokens` and `columns` are as above; of an encoder and a decoder, `tokens` are the decoder's words and `columns` the
        encoder's. Among `named`, the arguments above are the explorer's own, as are `batch`, `layers`, `heads` and `names`
        of `figures.attention_of`; all others go to the model.

            AttentionExplorer.of(model, **tokenizer(text, return_tensors="pt"), tokens=words, hidden=["[CLS]", "[SEP]"])

        Raises ValueError for a model in training mode and for one in which no attention is seen, and what the model raises.
        """
        own = {name: named.pop(name) for name in inspect.signature(cls).parameters if name in named}
        called = getattr(model, "name_or_path", "") or getattr(model, "__name__", type(model).__name__)
        return cls(attention_of(model, *inputs, tokens=tokens, columns=columns, **named), **{"model": called, **own})

    def row(self, word: int | str) -> dict[str, float]:
        """What a word attends to in the head that is shown: {"cat": 0.71, …}, without hidden and masked words."""
        return row(self, word)

    def to_dataframe(self):
        """The head that is shown as a pandas DataFrame, NaN where masked. Raises ImportError where pandas is not installed."""
        return data_frame(self)

    def measures(self) -> dict[tuple[int, int], dict[str, float]]:
        """What each head does on the whole, by (layer, head) as the explorer counts: see `figures.measures.head_measures`."""
        return measures(self)

    def describe(self) -> str:
        return describe(self)

    def picture(self) -> Picture:
        """The heatmap of the present head, as a still picture."""
        shown = shown_head(self)
        if not shown.columns:
            raise ValueError(f"All {len(self.columns)} words are hidden; set hidden = [] to draw them again.")
        chosen = [] if shown.chosen is None else [shown.chosen]
        return attention_picture(
            shown.weights, shown.allowed, shown.rows, shown.columns, title=full_name(self), caption=caption(self),
            notes=[*(f"Chosen: {shown.sentence(row)}." for row in chosen), *sentences(self), *notes(self)],
            alt=self.describe(), scale=self.scale, top=top_of(self.vmax, shown.weights), chosen=chosen,
        )

    def difference(self, other: "AttentionExplorer") -> Picture:
        """What `other` shows minus what this explorer shows, in the signed map; words as `comparison.difference` pairs them."""
        return difference(self, other)

    def save(self, path: str | Path) -> None:
        """Write what is shown to `path`: the heatmap as .pdf, .svg or .png, or all heads as an .html page that works alone.

        The menu "Save" gives the same files. Raises ValueError for another ending, a picture of no words, a page above 20 MB.
        """
        save(self, path)

    def __repr__(self) -> str:
        layers, heads, *_ = self.attentions.shape
        words = f"{len(self.rows)} words"
        if self.parts[self.part].cross:
            words += f" attending to {len(self.columns)}"
        chosen = "" if self.token is None else f"; {self.rows[self.token]!r} chosen"
        return f"AttentionExplorer({layers} × {heads} heads, {words}; {head_name(self).lower()}{chosen})"

    def _picture_or_none(self) -> Picture | None:
        return self.picture() if len(self.hidden) < len(self.columns) else None

    def _page_state(self) -> dict:
        return {**super()._page_state(), "data": whole_data(self)}

    def _answer(self, _widget, content: dict, _buffers) -> None:
        answer(self, content)
