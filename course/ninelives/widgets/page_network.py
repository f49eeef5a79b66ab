"""A network for a page without Python: its sizes, words and weights, which the JavaScript in widgets/network computes with."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict

import numpy as np
import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.figures import whose
from ninelives.model import Decoder, EncoderDecoder
from ninelives.model.inspection import in_eval_mode
from ninelives.text import Tokenizer, WordTokenizer

MOST_BYTES = 2_000_000  # of the weights in base64: a page should stay below 2.5 MB
CLOSE = 1e-3  # of logits: rounding alone makes a learner's own layers differ by less
UNUSED = ("encoder.lm_head.weight",)  # an encoder–decoder never asks its encoder for words


class CannotRunInPage(Exception):
    """JavaScript cannot compute what this model computes. The message is a sentence for the page."""


def packed(model: nn.Module, words: Iterable[str], reads: Iterable[str] | None = None) -> dict:
    """A decoder or an encoder–decoder as JSON values, for `networkOf` in widgets/network/unpack.js.

    Args:
        model: the package's, or a learner's own whose layers have the names of the package's and compute the same.
        words: the V words, in the order of their ids.
        reads: the words that a sentence may hold; by default all.

    Returns:
        {"configs", "words", "reads", "tensors", "halves"}; the weights are rounded to float16.

    Raises:
        CannotRunInPage: the model is of another kind, its layers have other names or compute something else, or it is too large.
    """
    words = list(words)
    parts = {name: getattr(model, name, None) for name in ("encoder", "decoder")} if hasattr(model, "encoder") else {"decoder": model}
    configs = {name: getattr(part, "config", None) for name, part in parts.items()}
    if not all(isinstance(config, TransformerConfig) for config in configs.values()):
        raise CannotRunInPage(f"This page cannot compute with a {type(model).__name__}: its sizes are not known.")
    state = {name: tensor.detach().cpu().float() for name, tensor in model.state_dict().items()}
    size = sum(tensor.numel() for name, tensor in state.items() if name not in UNUSED) * 8 // 3  # two bytes each, in base64
    if size > MOST_BYTES:  # before another model of this size is made, to compare
        raise CannotRunInPage(f"This page cannot compute: the weights of the model would take {size / 1e6:.1f} MB of it.")
    _refuse_another(model, state, list(configs.values()))
    prefix = "" if hasattr(model, "encoder") else "decoder."
    kept = {prefix + name: tensor.half() for name, tensor in state.items() if name not in UNUSED}
    if not all(tensor.isfinite().all() for tensor in kept.values()):
        raise CannotRunInPage("This page cannot compute: the model has weights that are not finite, or too large for float16.")
    halves = base64.b64encode(np.concatenate([tensor.numpy().astype("<f2").ravel() for tensor in kept.values()]).tobytes()).decode()
    return {
        "configs": {name: asdict(config) for name, config in configs.items()}, "words": words,
        "reads": words if reads is None else list(reads),
        "tensors": [[name, tensor.numel()] for name, tensor in kept.items()], "halves": halves,
    }


def packed_translator(model: nn.Module, tokenizer: Tokenizer, reader: Tokenizer) -> dict:
    """`packed` for a lab that reads sentences: `tokenizer` has all words, `reader` those that a sentence may hold.

    Raises CannotRunInPage also for a tokenizer that cuts or numbers words in another way than the course's.
    """
    for part in (tokenizer, reader):
        _refuse_another_cut(part)
    return packed(model, tokenizer.words, reader.words)


def name_of(network: dict) -> str:
    """A name that only the same network has, so that widgets can share one."""
    return hashlib.sha256(json.dumps(network, sort_keys=True).encode()).hexdigest()[:12]


def carried(network: Callable[[], dict | None]) -> tuple[dict[str, dict], dict[str, str]]:
    """What `network` gives by its name, and what a lab on a page is told of it: the name, or why there is none."""
    try:
        found = network()
    except CannotRunInPage as reason:
        return {}, {"network": "", "why_no_network": str(reason)}
    return ({}, {}) if found is None else ({name_of(found): found}, {"network": name_of(found), "why_no_network": ""})


def as_script(name: str, network: dict) -> str:
    """JavaScript that puts a network on a page, where widgets find it by its name. It is no module, so a file may hold it."""
    # Inside a script element only "<" could end it.
    value = json.dumps(network, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f"(globalThis.nineLivesNetworks ??= {{}})[{json.dumps(name)}] = {value};\n"


def _refuse_another(model: nn.Module, state: dict[str, torch.Tensor], configs: list[TransformerConfig]) -> None:
    """Raise CannotRunInPage unless the package's layers, with these weights, give the logits that the model gives."""
    what = f"This page cannot compute with {whose(model)}"
    with torch.random.fork_rng(devices=[]):  # new layers draw random weights
        packages = (Decoder if len(configs) == 1 else EncoderDecoder)(*configs).eval()
    try:
        packages.load_state_dict(state)
    except RuntimeError as error:
        raise CannotRunInPage(f"{what}: its layers, or their names, are not the course's.") from error
    device, generator = next(model.parameters()).device, torch.Generator().manual_seed(0)
    inputs = [torch.randint(config.vocab_size, (2, min(6, config.block_size)), generator=generator) for config in configs]  # (2, T) each
    try:
        with torch.no_grad(), in_eval_mode(model):
            wanted, theirs = packages(*inputs)[0], model(*(idx.to(device) for idx in inputs))[0].cpu().float()  # (2, …, V) each
    except Exception as error:  # it may be a learner's model, and raise anything
        raise CannotRunInPage(f"{what}: it raises {type(error).__name__}.") from error
    if theirs.shape != wanted.shape or not torch.allclose(theirs, wanted, atol=CLOSE, rtol=1e-4):
        raise CannotRunInPage(f"{what}: with the same weights it computes something else than the course's layers.")


def _refuse_another_cut(tokenizer: Tokenizer) -> None:
    """Raise CannotRunInPage unless the tokenizer, which may be a learner's own, numbers all its words as the package's does."""
    what = f"This page cannot read sentences with {whose(tokenizer)}"
    try:
        known = WordTokenizer(tokenizer.words)
        text = known.decode(i for i in range(known.vocab_size) if i != known.end_token)
        texts = [text, f" {text[:1].upper()}{text[1:]}."]
        is_same = tokenizer.end_token == known.end_token and all(torch.equal(tokenizer.encode(each), known.encode(each)) for each in texts)
    except Exception as error:  # a learner's may raise anything
        raise CannotRunInPage(f"{what}: it raises {type(error).__name__}.") from error
    if not is_same:
        raise CannotRunInPage(f"{what}: it gives a text other ids than the course's tokenizer with the same words.")
