"""Each block of docs/explorer.md, and each of README with an explorer, runs as it is, with small random models for trained ones."""

import ast

import pytest
import torch

from ninelives.build import ROOT
from ninelives.widgets import AttentionExplorer
from test_docs import blocks

PAGE = ROOT / "docs" / "explorer.md"
PYTHON = ["\n".join(lines) for lines in blocks(PAGE) if lines[0].startswith(("import ", "from "))]
README = ["\n".join(lines) for lines in blocks(ROOT / "README.md") if lines[-1].startswith("AttentionExplorer")]
SMALL = {"vocab_size": 30, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
WIDTH = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32}


def small_config(transformers, name):
    if name == "gpt2":
        return transformers.GPT2Config(n_embd=16, n_layer=2, n_head=4, **SMALL)
    if name.startswith("Helsinki"):
        halves = {f"{half}_{what}": n for half in ("encoder", "decoder") for what, n in (("layers", 2), ("attention_heads", 4), ("ffn_dim", 32))}
        return transformers.MarianConfig(d_model=16, decoder_start_token_id=0, forced_eos_token_id=2, max_length=9, **halves, **SMALL)
    return transformers.BertConfig(**WIDTH, **SMALL)


@pytest.fixture
def small_models(monkeypatch):
    """`from_pretrained` without a network: a small random model of the kind, and a tokenizer of whole words."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["[PAD]", "<s>", "</s>", "[CLS]", "[SEP]", "[UNK]", *"the cat sat on mat dog ran".split(), *"abcdefghijklmnopq"]

    def tokenizer_of(cls, name):
        tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        if name.startswith("bert"):
            tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 3), ("[SEP]", 4)])
        inputs = ["input_ids", "attention_mask"]
        return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", model_input_names=inputs)

    def model_of(cls, name, **options):
        torch.manual_seed(0)
        return cls.from_config(small_config(transformers, name), **options).eval()

    transformers.logging.set_verbosity_error()
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", classmethod(tokenizer_of))
    for kind in ("AutoModel", "AutoModelForCausalLM", "AutoModelForSeq2SeqLM"):
        monkeypatch.setattr(getattr(transformers, kind), "from_pretrained", classmethod(model_of))


def shown_by(code) -> AttentionExplorer:
    """The explorer that is the value of the last statement, or is called `explorer`."""
    *lines, last = ast.parse(code).body
    names = {}
    exec(compile(ast.Module(lines, []), str(PAGE), "exec"), names)
    value = eval(compile(ast.Expression(last.value), str(PAGE), "eval"), names)
    return names.get("explorer", value)


@pytest.mark.parametrize("code", [*README, *PYTHON[1:]])
def test_each_block_shows_an_explorer(code, request, tmp_path, monkeypatch):
    if "transformers" in code:
        request.getfixturevalue("small_models")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    explorer = shown_by(code)
    assert isinstance(explorer, AttentionExplorer)
    for option in ("layer=1", 'part="cross"'):
        if option in code:
            assert option.partition("=")[2].strip('"') == str(getattr(explorer, option.partition("=")[0]))
    if "save_html" in code:
        assert (tmp_path / "attention.html").stat().st_size > 10_000


def test_the_page_has_a_block_for_each_kind_of_model_each_of_at_most_ten_lines():
    assert [len(README), len(PYTHON)] == [2, 12]
    assert [code for code in PYTHON if len(code.splitlines()) > 10] == []
