"""The widget itself: its traits, and when it translates."""

from collections.abc import Callable, Iterable

import traitlets as t
from torch import nn

from ninelives.figures import Picture
from ninelives.widgets.arguments import truncated
from ninelives.widgets.lab_widget import COLOURS, LabWidget, browser_code, browser_style
from ninelives.widgets.page_network import packed_translator
from ninelives.widgets.translation_lab.picture import ALL_HEADS, in_words, still_picture
from ninelives.widgets.translation_lab.translate import NOTHING, translated, whose_on_page


class TranslationLab(LabWidget):
    """A sentence, its translation, and for each of its words what it attended to and which other words were likely.

    `model` is an encoder-decoder, the package's or a learner's own, `tokenizer` has the words of both languages, `text` is
    the first sentence. `words` are those that a sentence may hold, such as the English ones; by default all. A learner's
    own `prefix_generation` may be passed as `generate`: it is called as generate(model, prefix, max_new_tokens, 0,
    end_token=…), and what it writes is shown, also where it differs from what the package's writes. If it raises, or
    gives something else than ids (1, new), the package's is shown.

    The traits `text` (translated whenever it changes), `step` (how many words are written) and `view` (a head of the
    decoder, counted through all layers from 0, or -1 for the mean of all) are synced, so they can be set, observed and
    linked. Why a text is not translated is said in `error`; nothing is raised for it. `whose` says whose model and
    whose function have written the translation.

    Raises TraitError for a step or head that does not exist.
    """

    _esm = browser_code("translation_lab")
    _css = browser_style("translation_lab")

    text = t.Unicode().tag(sync=True)
    answered = t.Unicode().tag(sync=True)  # the text to which all that follows belongs
    error = t.Unicode().tag(sync=True)
    whose = t.Unicode().tag(sync=True)
    english = t.List(t.Unicode()).tag(sync=True)  # P words, repeated ones numbered
    french = t.List(t.Unicode()).tag(sync=True)  # T words, the end token among them
    translation = t.Unicode().tag(sync=True)
    weights = t.List().tag(sync=True)  # (L, H, T, P + T): row t is the one that wrote word t
    likely = t.List().tag(sync=True)  # T lists of [word, probability]
    heads = t.List(t.Int()).tag(sync=True)  # [L, H]
    colours = t.Dict().tag(sync=True)
    step = t.Int(0).tag(sync=True)
    view = t.Int(ALL_HEADS).tag(sync=True)

    def __init__(
        self, model: nn.Module, tokenizer, text: str, generate: Callable | None = None, words: Iterable[str] | None = None,
    ):
        self._model, self._tokenizer, self._generate = model, tokenizer, generate
        self._reader = tokenizer if words is None else type(tokenizer)(words)
        config = model.decoder.config
        super().__init__(heads=[config.n_layer, config.n_head], colours=COLOURS)
        self.observe(self._translate, "text")
        self.text = text
        if not text:
            self._translate()

    @t.validate("step")
    def _is_written(self, proposal) -> int:
        step, count = proposal["value"], len(self.french)
        if not 0 <= step <= count:
            raise t.TraitError(f"step is {step}, but the translation has {count} words, counted from 0 to {count}.")
        return step

    @t.validate("view")
    def _is_a_head(self, proposal) -> int:
        layers, heads = self.heads or (0, 0)
        view, count = proposal["value"], layers * heads
        if not ALL_HEADS <= view < count:
            raise t.TraitError(f"view is {view}, but there are {count} heads, counted from 0 to {count - 1}; -1 is the mean of all.")
        return view

    def describe(self) -> str:
        """What the lab shows at present, in words."""
        return in_words(self)

    def picture(self) -> Picture:
        """What is written, and how much each of its words attended to the sentence, as a still picture."""
        return still_picture(self)

    def __repr__(self) -> str:
        if self.error:
            return f"TranslationLab({truncated(self.answered)!r} is not translated: {self.error})"
        return f"TranslationLab({self.answered!r} → {self.translation!r}; {self.step} of {len(self.french)} words written)"

    def _network(self) -> dict:
        return packed_translator(self._model, self._tokenizer, self._reader)

    def _page_state(self) -> dict:
        return {**super()._page_state(), "whose_on_page": whose_on_page(self._model, self._generate)}

    def _translate(self, _change=None) -> None:
        try:
            self._reader.encode(self.text)  # raises for a word that a sentence may not hold
            answer, error = translated(self._model, self._tokenizer, self.text, self._generate), ""
        # Whatever an unknown word or a learner's model raises, the lab goes on and says so.
        except Exception as problem:
            answer, error = NOTHING, str(problem)
            if not isinstance(problem, ValueError):
                error = f"{type(problem).__name__}: {error}"
        with self.hold_sync():
            self.step = 0
            for name, value in answer.items():
                setattr(self, name, value)
            self.error, self.step, self.answered = error, len(self.french), self.text
