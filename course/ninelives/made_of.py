"""What a part is made of: the classes and functions that it really uses, whether the learner's or the package's."""

import contextlib
import inspect
import io
import re
from collections.abc import Callable
from types import FunctionType

import torch
from torch import nn

from ninelives.checks.source import functions_of, globals_read
from ninelives.config import TransformerConfig

SMALL = TransformerConfig(vocab_size=5, block_size=4, n_embd=4, n_head=2, n_layer=1)


def is_the_learners(used: Callable) -> bool:
    """Whether a class or function was read from a notebook, such as 03-transformer."""
    return re.match(r"\d\d-", str(used.__module__)) is not None


def is_the_packages(used: Callable) -> bool:
    return str(used.__module__).startswith("ninelives.model.")


def classes_in(part: type[nn.Module]) -> list[type]:
    """The classes of a model's layers, the part itself left out: of learners' layers also those that they inherit from."""
    sizes = [SMALL for each in inspect.signature(part).parameters.values() if each.default is each.empty]
    try:
        with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(io.StringIO()):
            layers = [type(layer) for layer in part(*sizes).modules()]
    # A learner's __init__ may want larger sizes, or fail in any other way.
    except Exception:
        return []
    found = [each for layer in layers for each in ([layer] if is_the_packages(layer) else layer.__mro__)]
    return [each for each in dict.fromkeys(found) if each is not part and (is_the_learners(each) or is_the_packages(each))]


def called_in(part: Callable) -> list[Callable]:
    """The functions and classes of a notebook or the package that a function, or the methods of a class, call by name."""
    found = [
        function.__globals__.get(name) for function in functions_of(part) for name in globals_read(function.__code__)
    ]
    found = [each for each in found if isinstance(each, FunctionType | type) and each is not part]
    return [each for each in dict.fromkeys(found) if is_the_learners(each) or is_the_packages(each)]


def owners(*parts: Callable) -> dict[str, str]:
    """Whose each part is, and whose all that a class is made of: {"EncoderDecoder": "yours", "Decoder": "the package's"}."""
    each_once = dict.fromkeys(each for part in parts for each in [part, *(made_of(part) if isinstance(part, type) else [])])
    return {each.__name__: "yours" if is_the_learners(each) else "the package's" for each in each_once}


def made_of(part: Callable) -> list[Callable]:
    """What a part uses: the learner's in the order of the notebooks, without the functions of a class, then the package's."""
    if isinstance(part, type):
        classes = classes_in(part)
        called = [each for own in [part, *classes] if is_the_learners(own) for each in called_in(own)]
        used = classes + [each for each in called if is_the_packages(each)]
    else:
        used = called_in(part)
    return sorted(dict.fromkeys(used), key=lambda each: each.__module__ if is_the_learners(each) else "~")
