"""The state of an explorer: what can be set, observed and linked, by word or by position."""

import numpy as np
import traitlets as t

from ninelives.figures import number_repeats
from ninelives.figures.parts import AttentionPart
from ninelives.figures.scale import SCALES
from ninelives.widgets.attention_explorer.arguments import (
    Words,
    carried,
    check_top,
    column_positions,
    index_of,
    same_word,
    word_position,
)
from ninelives.widgets.attention_explorer.combined import COMBINED, has_rollout
from ninelives.widgets.lab_widget import LabWidget


class ExplorerState(LabWidget):
    """The traits of `AttentionExplorer`, where they are described; `parts` are the attention weights by name."""

    parts: dict[str, AttentionPart]

    data = t.List(t.Dict()).tag(sync=True)  # of each part, see encoding.as_state
    colours = t.Dict().tag(sync=True)
    model = t.Unicode().tag(sync=True)
    part = t.Unicode().tag(sync=True)
    layer = t.Int(0).tag(sync=True)
    head = t.Int(0).tag(sync=True)
    combine = t.Enum(list(COMBINED), "").tag(sync=True)
    token = t.Union([t.Int(), t.Unicode()], default_value=None, allow_none=True).tag(sync=True)
    word = t.Unicode(None, allow_none=True).tag(sync=True)
    together = Words().tag(sync=True)
    hidden = Words().tag(sync=True)
    to = t.Union([t.Int(), t.Unicode()], default_value=None, allow_none=True).tag(sync=True)
    groups = t.Dict().tag(sync=True)
    scale = t.Enum(list(SCALES), "linear").tag(sync=True)
    vmax = t.Union([t.Float(), t.Unicode()], default_value=1.0).tag(sync=True)
    first = t.Enum([0, 1], 0).tag(sync=True)

    @property
    def attentions(self) -> np.ndarray:
        """The weights of the part that is shown, (L, H, T, S) float32; 0 where masked."""
        return self.parts[self.part].weights

    @property
    def rows(self) -> list[str]:
        """The T words that attend, those that occur more than once numbered."""
        return number_repeats(self.parts[self.part].rows)

    @property
    def columns(self) -> list[str]:
        """The S words that are attended to, those that occur more than once numbered."""
        return number_repeats(self.parts[self.part].columns)

    @t.validate("part")
    def _is_there(self, proposal) -> str:
        if proposal["value"] not in self.parts:
            raise t.TraitError(f"part is {proposal['value']!r}; the part{' is' if len(self.parts) == 1 else 's are'} {', '.join(map(repr, self.parts))}.")
        return proposal["value"]

    @t.validate("layer", "head")
    def _exists(self, proposal) -> int:
        name = proposal["trait"].name
        return index_of(name, proposal["value"], self.attentions.shape[name == "head"], name)

    @t.validate("combine")
    def _can_be_combined(self, proposal) -> str:
        if proposal["value"] == "rollout" and not has_rollout(self.parts[self.part]):
            raise t.TraitError("combine is 'rollout'; it needs self-attention, and all heads of all layers of the model from the first on.")
        return proposal["value"]

    @t.validate("token", "to")
    def _is_a_word(self, proposal) -> int | None:
        name, part = proposal["trait"].name, self.parts[self.part]
        position = word_position(name, proposal["value"], part.rows if name == "token" else part.columns)
        if name == "token" and self._is_hidden(position):
            raise t.TraitError(f"token is {self.rows[position]!r}, which is hidden; take it out of `hidden` to choose it.")
        return position

    @t.validate("together")
    def _are_rows(self, proposal) -> list[int]:
        together = column_positions("together", proposal["value"], self.parts[self.part].rows)
        for i in filter(self._is_hidden, together):
            raise t.TraitError(f"together has {self.rows[i]!r}, which is hidden; take it out of `hidden` to choose it.")
        return together

    @t.validate("hidden")
    def _are_words(self, proposal) -> list[int]:
        return column_positions("hidden", proposal["value"], self.parts[self.part].columns)

    @t.validate("groups")
    def _are_groups(self, proposal) -> dict[str, list[int]]:
        columns = self.parts[self.part].columns
        return {name: column_positions(f"groups[{name!r}]", group, columns) for name, group in proposal["value"].items()}

    @t.validate("vmax")
    def _is_a_top(self, proposal) -> float | str:
        return check_top(proposal["value"])

    @t.observe("token")
    def _follow_token(self, _change) -> None:
        if self._position_of_word() != self.token:
            self.word = None if self.token is None else self.rows[self.token]

    @t.observe("word")
    def _follow_word(self, _change) -> None:
        self.token = self._position_of_word()

    @t.observe("hidden")
    def _forget_words_that_are_hidden(self, _change) -> None:
        if self._is_hidden(self.token):
            self.word = None
        self.together = [i for i in self.together if not self._is_hidden(i)]

    def _position_of_word(self) -> int | None:
        """Where `word` is among the rows that are shown. A word that is chosen in a linked explorer may be hidden in this one."""
        position = same_word(self.word, self.parts[self.part].rows)
        return None if self._is_hidden(position) else position

    def _is_hidden(self, row: int | None) -> bool:
        return not self.parts[self.part].cross and row in self.hidden

    @t.observe("part")
    def _keep_what_fits(self, change) -> None:
        if change.old not in self.parts:  # at the start
            return
        layers, heads = self.attentions.shape[:2]
        old, new = self.parts[change.old], self.parts[self.part]
        # In a comparison, "full" becomes "rotten" and not nothing.
        token, *_ = *(carried([self.token], "rows", old, new) if old.pairs and self.token is not None else []), None
        together = carried(self.together, "rows", old, new)
        with self.hold_sync():
            self.layer, self.head = min(self.layer, layers - 1), min(self.head, heads - 1)
            if self.combine == "rollout" and not has_rollout(new):
                self.combine = ""
            word, self.token, self.together, self.to = self.word, None, [], None
            self.hidden = carried(self.hidden, "columns", old, new)
            self.together = [i for i in together if not self._is_hidden(i)]
            self.word = word if token is None else self.rows[token]
            self.token = self._position_of_word()
            self.groups = {name: carried(group, "columns", old, new) for name, group in self.groups.items()}
