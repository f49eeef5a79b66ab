"""Small trained models that come with the course: `model, tokenizer = weights.load("antecedent")`.

- `antecedent`: an `Encoder`; at "it" it predicts the animal or dish that is meant
- `reader`: an `Encoder` that does the same, and whose heads differ
- `storyteller`: a `Decoder`; it writes sentences like the cat's
- `translator`: an `EncoderDecoder`; English to French

and those of the labs:

- `addition`: a `Decoder`; it writes the result of a sum
- `pronunciation`: an `EncoderDecoder`; from the letters of a word to its sounds
- `shakespeare`: a `Decoder`; it writes a play, character by character

Each has its weights in NAME.safetensors and its card in NAME.json, and as a page
in NAME.md. `python -m ninelives.recipes.NAME` makes it again.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, Encoder, EncoderDecoder
from ninelives.text import Tokenizer

FOLDER = Path(__file__).parent
KINDS = {kind.__name__: kind for kind in (Encoder, Decoder, EncoderDecoder)}


def load(name: str, folder: Path | None = None) -> tuple[torch.nn.Module, Tokenizer]:
    """A trained model in eval mode, on the CPU and in float32, and the tokenizer of what it writes.

    Nothing is downloaded, and PyTorch's random state is left as it was.

    Args:
        name: one of those above.
        folder: where its files are; by default the course's own.

    Raises:
        ValueError: there are no weights of this name, or their file is missing or damaged.

    Example::

        from ninelives import weights

        model, tokenizer = weights.load("antecedent")
        idx = tokenizer.encode("the hen followed the dog because it was lost").unsqueeze(0)  # (1, 9)
        logits, _ = model(idx)  # (1, 9, V)
    """
    folder = folder or FOLDER
    facts = card(name, folder)
    path = folder / f"{name}.safetensors"
    again = f"Install the course again, or make them again: python -m ninelives.recipes.{name}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"the weights {name!r} cannot be read ({path}: {error.strerror}). {again}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != facts["sha256"]:
        raise ValueError(
            f"the weights {name!r} are damaged: {path} has {len(data)} bytes and the SHA256 {found[:12]}…, "
            f"not {facts['bytes']} bytes and {facts['sha256'][:12]}…. {again}"
        )
    # New layers draw random weights, only to be overwritten: the caller's random numbers must not notice.
    with torch.random.fork_rng(devices=[]):
        model = KINDS[facts["model"]](*(TransformerConfig(**config) for config in facts["configs"]))
    numbers = {key: tensor.float() for key, tensor in safetensors.torch.load(data).items()}
    model.load_state_dict(numbers)
    return model.eval(), Tokenizer.from_json(json.dumps(facts["tokenizer"]))


def copy_into(model: torch.nn.Module, trained: torch.nn.Module) -> torch.nn.Module:
    """A learner's model with the weights of a trained one, in eval mode.

    A learner may name the layers of a class differently. Then the weights do not fit: a line says so, and the trained
    model is returned in place of theirs.
    """
    try:
        model.load_state_dict(trained.state_dict())
    except RuntimeError:
        print(f"The weights do not fit, since a layer of your {type(model).__name__} or of its parts has another name. "
              "This is the course's model.")
        return trained
    return model.eval()


def card(name: str, folder: Path | None = None) -> dict:
    """The card of the weights: sizes, how they were made, what was measured, their SHA256.

    Raises:
        ValueError: there are no weights of this name, or their card is damaged.
    """
    folder = folder or FOLDER
    known = sorted(path.stem for path in folder.glob("*.json"))
    if name not in known:
        raise ValueError(f"there are no weights {name!r}: choose one of {', '.join(map(repr, known)) or '(none are here)'}.")
    path = folder / f"{name}.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        missing = {"model", "configs", "tokenizer", "sha256", "bytes"} - set(facts)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): install the course again.") from error
    if missing:
        raise ValueError(f"{path} is damaged (it lacks {', '.join(sorted(missing))}): install the course again.")
    return facts


def save(name: str, model: torch.nn.Module, tokenizer: Tokenizer, facts: dict, folder: Path | None = None) -> dict:
    """Write a model for `load`, with its weights in float16.

    Args:
        facts: more for the card, JSON values by their names.

    Returns:
        The card.
    """
    folder = folder or FOLDER
    halves = {key: tensor.half().contiguous() for key, tensor in model.state_dict().items()}
    data = safetensors.torch.save(halves)
    parts = (model.encoder, model.decoder) if isinstance(model, EncoderDecoder) else (model,)
    whole = {
        "name": name,
        "model": type(model).__name__,
        "configs": [asdict(part.config) for part in parts],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        **facts,
        "tokenizer": json.loads(tokenizer.to_json()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.safetensors").write_bytes(data)
    (folder / f"{name}.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return whole
