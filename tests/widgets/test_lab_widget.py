"""What all widgets do: picture, words and widget in a cell, and a page of its own."""

import base64
import json
import re

import pytest
import torch

from ninelives import widgets
from ninelives.config import TransformerConfig
from ninelives.model import Decoder, Embedding, EncoderDecoder
from ninelives.text import WordTokenizer

WORDS = ["</script><b>", "cat", "was", "full"]
TOKENIZER = WordTokenizer(WORDS)
IDX = torch.tensor([[1, 2, 3, 4]])
CONFIG = TransformerConfig(TOKENIZER.vocab_size, block_size=8, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
MADE = {
    "AttentionExplorer": lambda: widgets.AttentionExplorer(torch.eye(4), WORDS, token="cat"),
    "Choice": lambda: widgets.Choice("Who is it?", {WORDS[0]: "It holds the sentence.", "cat": "It was full."}, answer="cat"),
    "HeadLab": lambda: widgets.HeadLab(EncoderDecoder(CONFIG, CONFIG), TOKENIZER, " ".join(WORDS), pair=("cat", "was")),
    "LayerStepper": lambda: widgets.LayerStepper(Decoder(CONFIG), IDX, WORDS, TOKENIZER.words),
    "MaskLab": lambda: widgets.MaskLab([WORDS, ["it", "slept"]]),
    "PositionLab": lambda: widgets.PositionLab(Embedding(CONFIG), WORDS, IDX),
    "TemperatureLab": lambda: widgets.TemperatureLab(Decoder(CONFIG), [1, 2], TOKENIZER.words),
    "TrainingMonitor": lambda: widgets.TrainingMonitor("words", 2000, {WORDS[0]: [{"step": 500, "loss": 2.5, "accuracy": 0.3}]}),
    "TranslationLab": lambda: widgets.TranslationLab(EncoderDecoder(CONFIG, CONFIG), TOKENIZER, " ".join(WORDS)),
}


@pytest.fixture(params=MADE)
def widget(request):
    torch.manual_seed(0)
    return MADE[request.param]()


def test_no_widget_is_left_out():
    assert list(MADE) == sorted(widgets.__all__)


def test_the_bundle_holds_a_picture_with_its_words_and_no_html(widget):
    data, metadata = widget._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == metadata["alt"] == widget.describe()
    assert "application/vnd.jupyter.widget-view+json" in data and "text/html" not in data
    assert data["text/plain"] == repr(widget)


def test_a_cell_gets_the_picture_then_its_words_then_the_widget_and_the_picture_is_drawn_last(widget, monkeypatch):
    outputs = []
    monkeypatch.setattr("ninelives.widgets.lab_widget.display", lambda data, **how: outputs.append([data, how]))
    widget._ipython_display_()
    (place, kept), (words, _), (alive, _), (still, how) = outputs
    assert list(place) == ["text/plain"] and (kept["update"], how["update"]) == (False, True) and kept["display_id"] == how["display_id"]
    assert "image/png" in still and how["metadata"]["alt"] == widget.describe()
    assert "cat" in words["text/markdown"] or widget.describe()[:20] in words["text/markdown"]
    assert set(alive) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
    assert len(json.dumps(outputs)) < 100_000


def test_the_page_is_self_contained_and_a_word_that_looks_like_markup_stays_a_word(widget, tmp_path):
    widget.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = page.replace("url(${canvas.toDataURL()})", "")  # a picture drawn on the page itself
    assert not re.search(r"""(src|href)=["'](?!data:)|@import|url\(|\bfetch\(|\bimport\b.*\bfrom\b""", page)
    assert set(re.findall(r"https?://[^\"'\s]+", page)) == {"http://www.w3.org/2000/svg"}  # a name, never asked for
    assert page.count("</script") == 1 + len(widget._networks())
    assert "\\u003c/script>" in page
