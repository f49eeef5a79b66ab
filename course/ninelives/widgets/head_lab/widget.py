"""The widget itself: its traits, and when it computes."""

from collections.abc import Callable, Iterable

import traitlets as t
from torch import nn

from ninelives.figures import Picture
from ninelives.widgets.arguments import truncated
from ninelives.widgets.head_lab.arguments import head_positions, why_none, word_positions
from ninelives.widgets.head_lab.in_words import UNCHECKED_FORM, UNKNOWN_FORM, key
from ninelives.widgets.head_lab.picture import in_words, still_picture
from ninelives.widgets.head_lab.translate import NOTHING, Changes, alone, causes, changed, layer_names, read, swapped
from ninelives.widgets.lab_widget import COLOURS, SIGNED, LabWidget, browser_code, browser_style
from ninelives.widgets.page_network import packed_translator


class HeadLab(LabWidget):
    """A translation that is written again while words are hidden, heads taken out, or patched in from another sentence.

    `model` is an encoder–decoder, the package's or a learner's own, `tokenizer` has the words of both languages, `text` is
    the first sentence, and `pair` are the two words of a translation between which the choice is measured. `words` are
    those that a sentence may hold; by default all. Where `parse` returns None, the sentence is not of the grammar from which
    the model learned, and `remark` says so. Heads are patched in from the sentence with its two nouns swapped, the words after
    the first two "the"; where there are no two, nothing can be patched in.

    The traits `text` (translated whenever it changes), `hidden` (words, or their positions), `out` and `patched` (heads as
    (layer, head), as `model.without_heads` takes them, or counted through all layers from 0, the encoder's first; read as
    the latter) and `mode` ("out" or "patched", what a click on a head does and the grid shows) are synced, so they can be
    set, observed and linked. A head in both `out` and `patched` is taken out. `answers` holds what was written after each combination of
    changes. Why a text is not translated is said in `error`; nothing is raised.

    Raises TraitError for a word or head that does not exist, and for a head to be patched in where nothing can be.

    Example::

        from ninelives import weights
        from ninelives.widgets import HeadLab

        model, tokenizer = weights.load("translator")
        lab = HeadLab(model, tokenizer, "the hen followed the dog because it was lost")
        lab.out = [(0, 1)]
        print(lab.describe())
    """

    _esm = browser_code("head_lab")
    _css = browser_style("head_lab")

    text = t.Unicode().tag(sync=True)
    answered = t.Unicode().tag(sync=True)  # the text to which all that follows belongs
    error = t.Unicode().tag(sync=True)
    remark = t.Unicode().tag(sync=True)  # empty for a sentence of the grammar, and where none is given
    whose = t.Unicode().tag(sync=True)
    words = t.List(t.Unicode()).tag(sync=True)  # P words, repeated ones numbered
    pair = t.List(t.Unicode()).tag(sync=True)
    other = t.Unicode().tag(sync=True)  # the sentence with the nouns swapped, or empty
    other_answer = t.Unicode().tag(sync=True)
    layers = t.List().tag(sync=True)  # of [name, number of heads]
    of_words = t.Dict().tag(sync=True)  # occlusion, gradient, attention: P numbers each; empty without a choice
    of_heads = t.Dict().tag(sync=True)  # out, patched: a number for each head
    answers = t.Dict().tag(sync=True)  # {"french", "text", "difference"} by the changes, as `in_words.key` writes them
    hidden = t.List().tag(sync=True)  # of int, once they are checked
    out = t.List().tag(sync=True)
    patched = t.List().tag(sync=True)
    mode = t.Enum(["out", "patched"], "out").tag(sync=True)
    colours = t.Dict().tag(sync=True)

    def __init__(
        self, model: nn.Module, tokenizer, text: str, pair: tuple[str, str] = ("il", "elle"), words: Iterable[str] | None = None,
        parse: Callable[[str], object] | None = None,
    ):
        if not hasattr(model, "encoder") or not hasattr(model, "decoder"):
            raise ValueError(f"{type(model).__name__} has no encoder and decoder: pass a model that translates, as in notebook 7.")
        missing = [word for word in pair if word not in tokenizer.words]
        if len(pair) != 2 or missing:
            raise ValueError(f"pair is {pair!r}; pass two words that the tokenizer knows, such as ('il', 'elle').")
        self._model, self._tokenizer, self._parse = model, tokenizer, parse
        self._reader = tokenizer if words is None else type(tokenizer)(words)
        self._here = self._other = None  # the sentence and the one with its nouns swapped, once they are read
        layers = [list(layer) for layer in layer_names(model)]
        super().__init__(pair=list(pair), layers=layers, colours={**COLOURS, "signed": SIGNED})
        self.observe(self._translate, "text")
        self.observe(self._answer, ["hidden", "out", "patched"])
        self.text = text
        if not text:
            self._translate()

    @t.validate("hidden", "out", "patched")
    def _are_there(self, proposal) -> list[int]:
        name = proposal["trait"].name
        chosen = word_positions(self.words, proposal["value"]) if name == "hidden" else head_positions(name, self.layers, proposal["value"])
        if name == "patched" and chosen and name not in self.of_heads:
            raise t.TraitError(f"no head can be patched in: {why_none(self)}.")
        return chosen

    @t.validate("mode")
    def _can_be(self, proposal) -> str:
        if proposal["value"] == "patched" and "patched" not in self.of_heads:
            raise t.TraitError(f"mode cannot be 'patched': {why_none(self)}.")
        return proposal["value"]

    def describe(self) -> str:
        """What the lab shows at present, in words."""
        return in_words(self)

    def picture(self) -> Picture:
        """The translation and what its choice depends on, as a still picture."""
        return still_picture(self)

    def save_html(self, path) -> None:
        """Write the lab to `path` as one page that works without Python or a network.

        The page computes where the model's layers are the course's. Otherwise it shows what was computed here, and each
        word and each head changed alone, which is computed now.
        """
        if self._here is not None and not self._networks():
            self._compute(alone(len(self.words), sum(n_head for _, n_head in self.layers), "patched" in self.of_heads))
        super().save_html(path)

    def _network(self) -> dict:
        return packed_translator(self._model, self._tokenizer, self._reader)

    def _page_state(self) -> dict:
        return {**super()._page_state(), "remark_on_page": UNCHECKED_FORM if self._parse is not None else ""}

    def __repr__(self) -> str:
        if self.error:
            return f"HeadLab({truncated(self.answered)!r} is not translated: {self.error})"
        return f"HeadLab({self.answered!r}: {len(self.hidden)} words hidden, {len(self.out)} heads out, {len(self.patched)} patched in)"

    def _translate(self, _change=None) -> None:
        self._here = self._other = None
        found, answers, error = NOTHING, {}, ""
        try:
            self._reader.encode(self.text)  # raises for a word that a sentence may not hold
            here, other_text = read(self._model, self._tokenizer, self.text, self.pair), swapped(self.text)
            other = read(self._model, self._tokenizer, other_text, self.pair) if other_text else None
            found = causes(self._model, self._tokenizer, here, other_text, other)
            answers = {"": changed(self._model, self._tokenizer, here, other, Changes())}
            self._here, self._other = here, other
        # Whatever an unknown word or a learner's model raises, the lab goes on and says so.
        except Exception as problem:
            error = str(problem) if isinstance(problem, ValueError) else f"{type(problem).__name__}: {problem}"
        is_strange = not error and self._parse is not None and self._parse(self.text) is None
        with self.hold_sync():
            self.hidden, self.out, self.patched = [], [], []
            for name, value in found.items():
                setattr(self, name, value)
            if "patched" not in self.of_heads:
                self.mode = "out"
            self.remark = UNKNOWN_FORM if is_strange else ""
            self.answers, self.error, self.answered = answers, error, self.text

    def _answer(self, _change=None) -> None:
        if self._here is not None and key(self) not in self.answers:
            self._compute([Changes(tuple(self.hidden), tuple(self.out), tuple(self.patched))])

    def _compute(self, wanted: list[Changes]) -> None:
        """Add what is written after changes to the answers."""
        found = {key(changes): changed(self._model, self._tokenizer, self._here, self._other, changes) for changes in wanted}
        self.answers = {**self.answers, **found}
