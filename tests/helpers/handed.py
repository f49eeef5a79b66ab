"""Small trainings as learners hand them in, and how somebody might change them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder
from ninelives.text import Tokenizer, WordTokenizer, sentences
from ninelives.text.grammar import every_word
from ninelives.training import Recipe, train, translation_batch
from ninelives.training.batches import drawn_from

TOKENIZER = WordTokenizer(sorted({*every_word("english"), *every_word("french")}))
SENTENCES = sentences("train", 200)


def small_training(folder: Path, seed: int = 0, steps: int = 3) -> Path:
    """An honest training of a small model."""
    config = TransformerConfig(TOKENIZER.vocab_size, 32, n_embd=8, n_head=2, n_layer=1, dropout=0.0)
    torch.manual_seed(seed)
    model = EncoderDecoder(config, config)
    prefix, targets = translation_batch(SENTENCES, TOKENIZER)
    recipe = Recipe(batch_size=4, max_iters=steps, warmup_steps=1, seed=seed)
    train(model, lambda generator, B: (prefix[:B], targets[:B]), recipe, folder=folder)
    (folder / "tokenizer.json").write_text(TOKENIZER.to_json())
    return folder


def continued(model: EncoderDecoder, tokenizer: Tokenizer, folder: Path, steps: int, rate: float = 1e-3) -> Path:
    """A few more steps of a trained model, written as notebook 9 writes them."""
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    recipe = Recipe(learning_rate=rate, batch_size=16, max_iters=steps, warmup_steps=0)
    train(model, drawn_from(SENTENCES, tokenizer), recipe, folder=folder)
    (folder / "tokenizer.json").write_text(tokenizer.to_json())
    return folder


def change_facts(folder: Path, **changed) -> dict:
    """Change run.json; gives what it held before."""
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**facts, **changed}))
    return facts


def tensors_file(folder: Path) -> Path:
    [path] = folder.glob("*.safetensors")
    return path


def change_tensors(folder: Path, change: Callable[[dict], object]) -> None:
    """Change the tensors and the checksum with them, as a skilled cheater would."""
    path = tensors_file(folder)
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    change_facts(folder, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
