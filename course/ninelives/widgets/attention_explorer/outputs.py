"""What comes out of an explorer: words, a picture, numbers and files."""

from pathlib import Path

from ninelives.figures import Picture
from ninelives.figures.attention_picture import attention_picture
from ninelives.figures.scale import top_of
from ninelives.widgets.attention_explorer.all_heads import all_heads
from ninelives.widgets.attention_explorer.in_words import caption, describe, notes, sentences
from ninelives.widgets.attention_explorer.numbers_out import data_frame, measures, rollout_shares, row
from ninelives.widgets.attention_explorer.saving import answer, save, whole_data
from ninelives.widgets.attention_explorer.shown import full_name, head_name, listed, shown_head
from ninelives.widgets.attention_explorer.state import ExplorerState
from ninelives.widgets.attention_explorer.why import why


class ExplorerOutputs(ExplorerState):
    """The methods of `AttentionExplorer` that give something out."""

    def row(self, word: int | str) -> dict[str, float]:
        """What a word attends to in the head that is shown: {"cat": 0.71, …}, without hidden and masked words."""
        return row(self, word)

    def to_dataframe(self):
        """The head that is shown as a pandas DataFrame, NaN where masked. Raises ImportError where pandas is not installed."""
        return data_frame(self)

    def measures(self) -> dict[tuple[int, int], dict[str, float]]:
        """What each head does on the whole, by (layer, head) as the explorer counts: see `figures.measures.head_measures`."""
        return measures(self)

    def rollout_shares(self, query: int | str, key: int | str) -> dict[tuple[int, int], float]:
        """By (layer, head) as the explorer counts, the part of the rollout from one word to another that passes through each head.

        In each layer, the heads and the residual connection sum to 1: see `figures.measures.rollout_shares`. Raises ValueError
        where there is no rollout, for words that are not there, and where no path leads from the one to the other.
        """
        return rollout_shares(self, query, key)

    def describe(self) -> str:
        """What the explorer shows at present, in words."""
        return describe(self)

    def picture(self) -> Picture:
        """The heatmap of the present head, as a still picture."""
        shown = shown_head(self)
        if not shown.columns:
            raise ValueError(f"All {len(self.columns)} {shown.item}s are hidden; set hidden = [] to draw them again.")
        return attention_picture(
            shown.weights, shown.allowed, shown.rows, shown.columns, title=full_name(self), caption=caption(self),
            notes=[*([f"Chosen: {shown.sentence(shown.chosen)}."] if shown.chosen else []), *sentences(self), *notes(self)],
            alt=self.describe(), scale=self.scale, top=top_of(self.vmax, shown.weights), chosen=shown.chosen,
            kind=shown.kind, decimals=shown.decimals,
        )

    def all_heads(self) -> Picture:
        """A small heatmap for each head, in one figure: `explorer.all_heads().save("heads.pdf")`."""
        return all_heads(self)

    def why(self, query: int | str, key: int | str) -> Picture:
        """Why one word attends to another in the head that is shown: query, key and product channel by channel, then the softmax.

        Raises ValueError where queries and keys are not known, and while several heads are shown together.
        """
        return why(self, query, key)

    def save(self, path: str | Path) -> None:
        """Write what is shown to `path`: the heatmap as .pdf, .svg or .png, or all heads as an .html page that works alone.

        The menu "Save" gives the same files. Raises ValueError for another ending, a picture of no words, a page above 20 MB.
        """
        save(self, path)

    def __repr__(self) -> str:
        layers, heads, *_ = self.attentions.shape
        words = f"{len(self.rows)} {self.parts[self.part].item}s"
        if self.parts[self.part].cross:
            words += f" attending to {len(self.columns)}"
        words_chosen = self.together or ([] if self.token is None else [self.token])
        chosen = f"; {listed([repr(self.rows[i]) for i in words_chosen])} chosen" if words_chosen else ""
        return f"AttentionExplorer({layers} × {heads} heads, {words}; {head_name(self).lower()}{chosen})"

    def _picture_or_none(self) -> Picture | None:
        return self.picture() if len(self.hidden) < len(self.columns) else None

    def _page_state(self) -> dict:
        return {**super()._page_state(), "data": whole_data(self)}

    def _answer(self, _widget, content: dict, _buffers) -> None:
        answer(self, content)
