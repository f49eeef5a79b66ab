"""The widget itself: its traits, the head shown, its picture and its words."""

import inspect
from collections.abc import Mapping, Sequence

import numpy as np

from ninelives.figures import attention_of
from ninelives.figures.scale import top_of
from ninelives.widgets.attention_explorer.arguments import parts_given
from ninelives.widgets.attention_explorer.comparison import compared_parts
from ninelives.widgets.attention_explorer.encoding import SHADES, first_state, largest_of
from ninelives.widgets.attention_explorer.outputs import ExplorerOutputs
from ninelives.widgets.lab_widget import COLOURS, SIGNED, browser_code, browser_style


class AttentionExplorer(ExplorerOutputs):
    """Attention weights as heatmap, lines and a grid of all heads, with each row in words.

    `attentions` is a tensor or array (L, H, T, S), (H, T, S) or (T, S), or a list of L tensors (B, H, T, S) as Hugging
    Face models return for `output_attentions=True`. `tokens` are the T words that attend; `columns` are the S words that
    they attend to, where these are others (cross-attention). A dict of parts, as `figures.attention_parts` makes them,
    takes the place of the three: encoder, decoder and cross-attention in one widget. `given` are the other arguments of
    `attention_parts`: `mask`, `batch`, `layers`, `heads`, `names`; `kind` for "scores" as they are before the softmax and for
    other "signed" values, which are drawn in the signed map; and `queries`, `keys` and `channels`, with which a click on a cell
    says why its weight is what it is. `model` is a name for captions.

    These are traits: they can be given here, set, observed and linked. Words and negative positions are taken, too.

    - `part`: the name of the part that is shown; `layer` and `head`: positions in what was given, counted from 0.
    - `combine`: "" for one head, or what heads do together: "layer" and "model" for means, "rollout" (`figures.measures`).
    - `token`: the word whose row is chosen, or None; read as a position. `word` is the same as a word, for
      linking explorers of different sentences. `together`: words whose mean row is shown instead.
    - `hidden`: columns that are left out; the rest of each row is renormalised. `to`: a column; with `token` it is the
      link by which heads are ranked at first. `groups` maps names to columns, each of which one click hides or shows:
      {"English": range(9), "French": range(9, 20)}.
    - `scale`: "linear" or "sqrt", how colours follow the weights; `vmax`: the weight with the darkest colour, or "head"
      for the largest of the head shown. Left out, it is 1, and of scores and signed values the largest of all heads.
    - `first`: 0, or 1 for readers who count layers and heads from 1.

    Raises ValueError for weights that do not fit the words or are not attention, and for words that are not there; TypeError
    for an argument that it does not have; and TraitError for a layer, head or position that does not exist.

    Example::

        from ninelives.widgets import AttentionExplorer

        weights = [[1.0, 0.0, 0.0], [0.3, 0.7, 0.0], [0.1, 0.6, 0.3]]
        explorer = AttentionExplorer(weights, "the cat sat".split(), token="sat")
        explorer.row("sat")  # {"the": 0.1, "cat": 0.6, "sat": 0.3}
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
        vmax: float | str | None = None,
        first: int = 0,
        combine: str = "",
        together: Sequence[int | str] | str = (),
        **given,
    ):
        self.parts = parts_given(attentions, tokens, columns, given, AttentionExplorer)
        super().__init__(
            data=[first_state(name, part, layer, head) for name, part in self.parts.items()],
            colours={"weights": SHADES, "signed": SIGNED, **COLOURS},
            part=part or next(iter(self.parts)), model=model, scale=scale, vmax=self._top() if vmax is None else vmax, first=first,
        )
        self.layer, self.head, self.combine, self.token, self.to = layer, head, combine, token, to  # after the part, by which they are checked
        self.hidden, self.together, self.groups = hidden, together, dict(groups or {})
        self.on_msg(self._answer)

    @classmethod
    def of(
        cls, model, /, *inputs, tokens: Sequence[str], columns: Sequence[str] | None = None, **named
    ) -> "AttentionExplorer":
        """The attention of any model that PyTorch runs: `model(*inputs, **named)` is computed once, and its weights are read.

        Args:
            model: a module in eval mode, a method of one, or a function, as `figures.attention_of` takes it.
            inputs: the model's inputs, by position.
            tokens: the words that attend; of an encoder and a decoder, the decoder's.
            columns: the words that they attend to, where these are others: the encoder's.
            named: the explorer's arguments, such as `layer`, `head` and `token`, and `batch`, `layers`, `heads`, `names` and
                `channels` of `figures.attention_of`. All others go to the model. An input of the model that has one of
                these names is passed by position.

        Returns:
            The explorer. Its parts are "attention" alone, or "encoder", "decoder" and "cross".

        Raises:
            ValueError: the model is in training mode, no attention is seen in it, it does not fit the words, or a layer, head
                or example does not exist.
            TypeError: `tokens` is missing.

        What the model raises is raised as well, and so is what `AttentionExplorer` raises.

        Example::

            from ninelives import weights
            from ninelives.widgets import AttentionExplorer

            model, tokenizer = weights.load("antecedent")
            words = "the hen followed the dog because it was lost".split()
            idx = tokenizer.encode(" ".join(words)).unsqueeze(0)  # (1, 9)
            AttentionExplorer.of(model, idx, tokens=words, layer=1, token="it")
        """
        own = {name: named.pop(name) for name in inspect.signature(cls).parameters if name in named}
        called = getattr(model, "name_or_path", "") or getattr(model, "__name__", type(model).__name__)
        return cls(attention_of(model, *inputs, tokens=tokens, columns=columns, **named), **{"model": called, **own})

    def compare(self, second: "AttentionExplorer", part: str | None = None) -> "AttentionExplorer":
        """Both sentences in one explorer, with the parts "first", "second" and "difference", the second minus the first.

        Of an encoder and a decoder they are called "encoder first", …, "cross difference". What is shown now, such as the
        head and the words that are chosen, is shown there, and the heads are ranked by the link of the second. `part` is the one that is shown at first, by default the difference.
        Words are paired in order where both sentences have as many; otherwise those that both have are compared.
        Raises ValueError for sentences without a common word and for models with other parts, layers or heads, and TypeError
        for anything but an explorer.
        """
        if not isinstance(second, AttentionExplorer):
            raise TypeError(f"compare takes another AttentionExplorer, not {type(second).__name__}; make one of the second sentence first.")
        parts = compared_parts(self.parts, second.parts)
        before = "" if len(self.parts) == 1 else f"{self.part} "
        made = AttentionExplorer(
            parts, layer=self.layer, head=self.head, combine=self.combine, token=self.token, together=self.together, hidden=self.hidden,
            groups=self.groups, part=f"{before}first", model=self.model, scale=self.scale, vmax=self.vmax, first=self.first,
        )
        made.part = part or f"{before}difference"
        meant = -1 if second.to is None else parts[f"{before}second"].pairs[1][second.to]
        if made.part == f"{before}difference" and meant >= 0:
            made.to = meant
        return made

    def _top(self) -> float:
        """The darkest colour, where nobody chose it."""
        if all(part.kind in ("weights", "difference") for part in self.parts.values()):
            return 1.0
        return max(top_of("head", np.array(largest_of(part))) for part in self.parts.values())
