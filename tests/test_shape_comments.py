"""Every shape comment of the model and of the solved notebooks is what its line computes."""

import contextlib
import io
import math
import re
import sys
from dataclasses import asdict
from pathlib import Path

import nbformat
import pytest
import torch

import ninelives.model
from helpers.shape_comments import Tracer, comments_in, shapes_in
from ninelives.build import ROOT
from ninelives.config import TransformerConfig
from ninelives.model import (
    Decoder,
    Encoder,
    EncoderDecoder,
    answer_attentions,
    future_leak,
    generate,
    next_token_probabilities,
    packed_mask,
    prefix_generation,
    prefix_mask,
    with_heads_from,
)
from ninelives.model.bert import Bert, sentence_vectors
from ninelives.model.cached_decoder import CachedDecoder
from ninelives.model.causes import ablation, gradient_times_input, occlusion, patching, word_choice
from ninelives.model.inspection import attentions
from ninelives.model.today import TodayConfig, TodayDecoder

NAMES = sorted(path.name for path in (ROOT / "solutions").iterdir())
MODEL = Path(ninelives.model.__file__).parent


def traced(source: str, **sizes: int) -> Tracer:
    """A tracer that has followed this text as one file."""
    tracer = Tracer({"text": source}, **sizes)
    with tracer, contextlib.suppress(ZeroDivisionError):
        exec(compile(source, "text", "exec"), {"torch": torch})
    return tracer


# --- the tracer itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "shapes", "each"), [
    ("# (B, T)", [(["B", "T"], None)], False),
    ("# (T,)", [(["T"], None)], False),
    ("# (B, P + T, 2 * n_embd) int64", [(["B", "P + T", "2 * n_embd"], "int64")], False),
    ("# (B, H, T, head_size) each", [(["B", "H", "T", "head_size"], None)], True),
    ("# (B, P), (B, T) bool", [(["B", "P"], None), (["B", "T"], "bool")], False),
    ("# (…, V); every row sums to 1", [(["…", "V"], None)], False),
    ("# (B, 1, T, T) or None", [(["B", "1", "T", "T"], None)], False),
    ("# (1, V), all probability on the right word", [(["1", "V"], None)], False),
    ("# broadcasts to (B, T)", [], False),
    ("# (Holtzman et al. 2019).", [], False),
    ("# says why", [], False),
])
def test_a_shape_comment_begins_with_shapes_and_prose_is_none(text, shapes, each):
    assert shapes_in(text) == (shapes, each)


@pytest.mark.parametrize("line", [
    "x = torch.zeros(5, 2, 7, 3)  # (B, H, T, head_size)",
    "x = torch.zeros(5, 9)  # (B, P + T)\ny = torch.zeros(5, 9, 2)  # (B, P + T, H)",
    "x, _ = torch.zeros(5, 7), 0  # (B, T)",
    "x, y = torch.zeros(5, 7), torch.zeros(5, 7)  # (B, T) each",
    "x, y = torch.zeros(5, 7), torch.zeros(5) == 0  # (B, T), (B,) bool",
    "x = torch.zeros(3, 4, 6)  # (…, V)",
    "x = torch.cat([\n    torch.zeros(5, 3),\n    torch.zeros(5, 4),\n], dim=1)  # (B, T)",
    "x = [torch.zeros(2, n) for n in (1, 2)]  # (H, T)",
    "for T in (1, 2, 3):\n    x = torch.zeros(5, T)  # (B, T)",
    "for n in (1, 2, 3):\n    x = torch.zeros(5, n)  # (B, T)",
    "def f(x):\n    with torch.no_grad():\n        return x + 1  # (B, T)\nf(torch.zeros(5, 7))\nf(torch.zeros(5, 9))",
    "def f(x):\n    B, T = x.shape\n    yield x + 1  # (B, T)\n    yield x[0]  # (T,)\nlist(f(torch.zeros(4, 6)))",
    "class A:\n    pass\na = A()\na.x = torch.zeros(5, 7)  # (B, T)",
    "x = torch.zeros(5, 7)  # (B, T)\nx += 1  # (B, T)\nx.zero_()  # (B, T)",
])
def test_a_right_comment_passes(line):
    tracer = traced(line, B=5, H=2, head_size=3, V=6)
    assert tracer.wrong == [] and tracer.never == [] and len(tracer.seen) == line.count("  # ")


@pytest.mark.parametrize("line", [
    "x = torch.zeros(5, 2, 7, 3)  # (B, T, H, head_size)",
    "x = torch.zeros(5, 7)  # (B, T, C)",
    "x = torch.zeros(5, 7)  # (T, B)",
    "x = torch.zeros(5, 7)  # (B, T) bool",
    "x = torch.zeros(5, 7)  # (B, T)\ny = torch.zeros(5, 8)  # (B, T)",
    "x = torch.zeros(5, 7)  # (B, T)\ny = torch.zeros(5, 6)  # (B, P + T)",
    "x, y = torch.zeros(5, 7), torch.zeros(5, 8)  # (B, T) each",
    "x, y = torch.zeros(5, 7), torch.zeros(5)  # (B, T), (T,)",
    "x = torch.zeros(3, 4, 5)  # (…, V)",
    "for n in (1, 2, 3):\n    x = torch.zeros(5, n)  # (B, T)\n    y = torch.zeros(n + 1)  # (T,)",
    "def f(x):\n    B, T = x.shape\n    return x.T  # (B, T)\nf(torch.zeros(4, 6))",
    "def f(x):\n    with torch.no_grad():\n        return x.T  # (B, T)\nf(torch.zeros(5, 7))",
    "def f(x):\n    yield x.T  # (B, T)\nlist(f(torch.zeros(5, 7)))",
    "x = torch.cat([\n    torch.zeros(5, 3),\n    torch.zeros(5, 4),\n], dim=1)  # (T, B)",
    "x = torch.zeros(7, 5)\nx.zero_()  # (B, T)",
])
def test_a_wrong_comment_is_found(line):
    assert traced(line, B=5, H=2, head_size=3, V=6, C=6).wrong


@pytest.mark.parametrize("line", [
    "if False:\n    x = torch.zeros(5, 7)  # (B, T)",
    "def f(x):\n    return x  # (B, T)",
    "x = None  # (B, T)",
    "def f(x):\n    y = 1 / 0  # (B, T)\nf(0)",
    "print(  # (B, T)\n)",
])
def test_a_comment_whose_value_was_never_computed_is_reported(line):
    assert [text for _, _, text in traced(line).never] == ["# (B, T)"]


def test_the_tracer_that_was_set_before_comes_back():
    before = sys.gettrace()
    traced("x = torch.zeros(5, 7)  # (B, T)")
    assert sys.gettrace() is before


# --- the model -----------------------------------------------------------------------------------


def follow_the_model(sources: dict[str, str]) -> Tracer:
    """Calls that reach every line of the model, with a size of its own for each name."""
    torch.manual_seed(0)
    config = TransformerConfig(vocab_size=29, block_size=17, n_embd=12, n_head=3, n_layer=2, dropout=0.1)
    model = EncoderDecoder(config, config)
    prefix, idx = torch.randint(29, (5, 7)), torch.randint(29, (5, 6))
    prefix[1, 4:] = -1
    tracer = Tracer(sources, B=5, C=12, H=3, head_size=4, V=29)
    with tracer:
        model(prefix, idx)
        answer_attentions(model, prefix, idx)
        prefix_generation(model, prefix, 8, 0.7, end_token=3)
        with with_heads_from(model, [(0, 1)], prefix, idx):
            model(prefix, idx)
        choice = word_choice(prefix, torch.where(torch.arange(6) == 3, 28, idx % 27), (27, 28))
        for measure in (occlusion, gradient_times_input, ablation):
            measure(model, choice)
        patching(model, choice, choice)
        generate(model.decoder, idx, 15, 0.8, top_k=5, top_p=0.9)
        next_token_probabilities(torch.randn(5, 29), 0)
        packed_mask(idx)
        prefix_mask(torch.randint(6, (5,)), 6)
        Decoder(config)(idx, idx)
        sentence_vectors(Bert(config)(prefix, return_hidden=True), prefix != -1)
        Encoder(config)(prefix, hidden_cache=torch.randn(5, 8, 12), return_hidden=True)
        ninelives.model.Transformer(config)(idx, hidden_cache=torch.randn(5, 8, 12))
        today = TodayDecoder(TodayConfig(**asdict(config), n_kv_head=1))
        today(idx, idx)
        attentions(today, idx)
        generate(today, idx, 2, 0)
        CachedDecoder(today)(idx)
    return tracer


def follow_one_sentence(sources: dict[str, str]) -> Tracer:
    """What takes a single sentence."""
    model = Decoder(TransformerConfig(vocab_size=29, block_size=17, n_embd=12, n_head=3, n_layer=2))
    tracer = Tracer(sources, B=1, C=12, H=3, head_size=4, V=29)
    with tracer:
        future_leak(model, torch.randint(29, (1, 6)))
    return tracer


def sources() -> dict[str, str]:
    return {str(path): path.read_text(encoding="utf-8") for path in sorted(MODEL.glob("*.py"))}


def test_every_shape_comment_of_the_model_is_right_and_compared():
    tracer, one_sentence = follow_the_model(sources()), follow_one_sentence(sources())
    assert tracer.wrong == one_sentence.wrong == []
    assert [comment for comment in tracer.never if comment in one_sentence.never] == []
    assert len(tracer.seen) > 60


def test_a_swapped_comment_of_the_model_is_found():
    path = str(MODEL / "attention.py")
    swapped = sources()[path].replace("# (B, H, T, head_size) each", "# (B, T, H, head_size) each", 1)
    assert swapped != sources()[path]
    assert "# (B, T, H, head_size) each" in {wrong.text for wrong in follow_the_model({path: swapped}).wrong}


# --- the notebooks -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_shape_comment_of_a_solved_notebook_is_right_and_compared(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")  # nothing long is trained
    cells, checks = {}, {}  # by number
    for number, cell in enumerate(nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4).cells):
        if cell.cell_type == "code" and "await " not in cell.source:
            kind = checks if cell.metadata.get("nbgrader", {}).get("locked") else cells
            kind[number] = re.sub(r"\bsteps=\d+", "steps=2", cell.source)
    tracer = Tracer({f"cell {number}": source for number, source in cells.items()})
    variables = {"__name__": "__main__", "display": lambda *shown, **settings: None}

    def run(number: int, source: str) -> None:
        with contextlib.suppress(Exception):  # some cells are meant to break
            exec(compile(source, f"cell {number}", "exec"), variables)

    def unseen() -> list[int]:
        return sorted({int(where.removeprefix("cell ")) for where, _, _ in tracer.never})

    with tracer, contextlib.redirect_stdout(io.StringIO()), torch.random.fork_rng():
        for number, source in cells.items():
            if unseen():
                run(number, source)
        # What the notebook itself does not call, the checks after that cell call.
        for number in unseen():
            next_cell = min((other for other in cells if other > number), default=math.inf)
            for check, source in checks.items():
                if number < check < next_cell:
                    run(check, source)
    assert tracer.wrong == []
    assert tracer.never == []
    assert len(tracer.seen) == sum(len(comments_in(source)[0]) for source in cells.values()) > 0
