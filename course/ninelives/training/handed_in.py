"""A training that somebody else hands in, read without trusting it: `model, tokenizer, run = read("own")`.

Nothing is unpickled, so no code of theirs runs. Each step of `read` looks only at what the steps before it have made
safe: the size of a file before it is opened, names and shapes before numbers.
"""

import hashlib
import json
from functools import lru_cache
from pathlib import Path

import safetensors.torch
import torch

from ninelives import weights
from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder
from ninelives.text.tokenizers import Tokenizer
from ninelives.training.recipe import Run
from ninelives.training.scorable import differences, what_to_rename

# What is larger is not read.
MAX_BYTES = {"run.json": 5_000_000, "tokenizer.json": 1_000_000, "weights": 60_000_000}
MAX_SIZES = {"vocab_size": 2000, "block_size": 256, "n_embd": 512, "n_head": 64, "n_layer": 12}
MAX_PARAMETERS, MAX_STEPS = 2_000_000, 30_000

PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".bin")
PICKLE_STARTS = (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
FLOATS = ("F64", "F32", "F16", "BF16")

# Correlation with the course's translator, of the decoder's matrices. A training that continues from those stays above
# 0.97 for hundreds of steps. One with the course's seed and recipe, but from nothing, comes to 0.84.
SAME_AS_SHIPPED = 0.95

AS_WRITTEN = "hand in the folder as `train` has written it."
AND_AGAIN = "then rename or delete this folder, run notebook 9 again, and train again."


class Refused(ValueError):
    """A training that is not scored. The message says what was found and what was expected."""


class NoTraining(Refused):
    """There is no training at all."""


def read(folder: str | Path) -> tuple[EncoderDecoder, Tokenizer, Run]:
    """The model, tokenizer and run in the folder of a training.

    Raises:
        Refused: with one sentence.
        NoTraining: (a Refused) nothing was trained in this folder yet.
    """
    folder = Path(folder)
    check_folder(folder)
    facts = read_json(folder / "run.json")
    run, model = described_in(facts)  # the model is on the meta device: shapes without memory
    check_limits(run, model)
    path = folder / f"step-{run.step:06d}.safetensors"
    data = read_file(path, MAX_BYTES["weights"])
    check_header(path.name, header_of(path.name, data), model)
    check_sha256(path.name, data, facts)
    tensors = tensors_in(path.name, data)
    check_step_counts(path.name, tensors, run)
    state = {name.removeprefix("model."): t.float() for name, t in tensors.items() if name.startswith("model.")}
    check_finite(state)
    model = model.to_empty(device="cpu")
    model.load_state_dict(state)
    check_own_decoder(model)
    return model.eval(), tokenizer_for(model, folder), run


def check_folder(folder: Path) -> None:
    """It is a folder that `train` has written, and not a link to one."""
    if folder.is_symlink():
        raise Refused(f"{folder.name} is a link: hand in the folder itself.")
    if (folder / "run.json").exists():
        return
    pickles = [path.name for path in folder.glob("*") if path.suffix in PICKLE_SUFFIXES]
    if pickles:
        raise Refused(f"{folder.name} holds {pickles[0]}, which is a pickle and is not opened, since it could run any "
                      f"code: {AS_WRITTEN}")
    raise NoTraining(f"there is no training run in {folder.name}: run.json is not written yet. Train with "
                     f"folder=\"{folder.name}\", and hand in that folder with the notebook.")


def read_file(path: Path, max_bytes: int) -> bytes:
    """A file's bytes, once it is known to be a file and not too large."""
    if path.is_symlink():
        raise Refused(f"{path.name} is a link: hand in the file itself.")
    if not path.is_file():
        raise Refused(f"{path.name} is missing: hand in the whole folder that `train` has written.")
    size = path.stat().st_size
    if size > max_bytes:
        raise Refused(f"{path.name} has {size / 1e6:,.0f} MB and was not opened; at most {max_bytes / 1e6:,.0f} MB "
                      "are graded.")
    return path.read_bytes()


def read_json(path: Path) -> dict:
    """The content of a JSON file."""
    data = read_file(path, MAX_BYTES[path.name])
    try:
        return json.loads(data)
    # Deep nesting is a RecursionError. A number of thousands of digits is a plain ValueError.
    except (ValueError, RecursionError) as error:
        raise Refused(f"{path.name} is not JSON ({type(error).__name__}): {AS_WRITTEN}") from None


def described_in(facts: dict) -> tuple[Run, EncoderDecoder]:
    """The run that run.json describes, and its model on the meta device."""
    try:
        run = Run.from_facts(facts)
        check_parts(run)
        encoder, decoder = (TransformerConfig(**run.config[part]) for part in ("encoder", "decoder"))
        check_sizes("encoder", encoder)
        check_sizes("decoder", decoder)
        if not isinstance(run.step, int) or run.step < 1:
            raise Refused(f"run.json says {run.step!r} steps: this training has not begun.")
        with torch.device("meta"):
            return run, EncoderDecoder(encoder, decoder)
    except Refused:
        raise
    # Any key of run.json can hold any JSON value.
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Refused(f"run.json does not describe the training of an EncoderDecoder ({type(error).__name__}: "
                      f"{error}): {AS_WRITTEN}") from None


def check_parts(run: Run) -> None:
    """The sizes of both parts are known: `train` takes them from each part's `config`."""
    unknown = [part for part in ("encoder", "decoder") if part not in run.config]
    if unknown and "" not in run.config:  # "" would be the sizes of a single Transformer
        raise Refused(f"the {' and the '.join(unknown)} of the trained model did not know their sizes, so they are not in "
                      "run.json: write `self.config = config` into __init__ of your Transformer, as notebook 3 gives it; "
                      f"{AND_AGAIN}")


def check_sizes(part: str, config: TransformerConfig) -> None:
    """No size is larger than what is graded."""
    for name, largest in MAX_SIZES.items():
        if getattr(config, name) > largest:
            raise Refused(f"the {part}'s {name} is {getattr(config, name):,}; at most {largest:,} is graded.")


def check_limits(run: Run, model: EncoderDecoder) -> None:
    """Neither parameters nor steps are more than what is graded."""
    parameters = sum(p.numel() for p in model.parameters())
    if parameters > MAX_PARAMETERS:
        raise Refused(f"the model has {parameters:,} parameters; at most {MAX_PARAMETERS:,} are graded.")
    if run.step > MAX_STEPS:
        raise Refused(f"the training took {run.step:,} steps; at most {MAX_STEPS:,} are graded.")


def header_of(name: str, data: bytes) -> dict[str, dict]:
    """What a safetensors file says that it holds: {tensor's name: {"dtype", "shape", …}}."""
    if data.startswith(PICKLE_STARTS):
        raise Refused(f"{name} is a pickle under another name, as torch.save writes it. It is not opened, since it "
                      "could run any code.")
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        for entry in header.values():
            if not isinstance(entry["shape"], list) or not isinstance(entry["dtype"], str):
                raise ValueError("a shape is not a list, or a dtype is not a word")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(f"{name} is not a safetensors file ({error}): {AS_WRITTEN}") from None
    return header


def check_header(file: str, header: dict[str, dict], model: EncoderDecoder) -> None:
    """The file holds the model's weights, with its shapes and as floats, the optimizer's state, and nothing else."""
    for name, entry in header.items():
        if name.startswith("model.") and entry["dtype"] not in FLOATS:
            raise Refused(f"{name} holds {entry['dtype']}; weights are floats.")
    shapes = {f"model.{name}": list(tensor.shape) for name, tensor in model.state_dict().items()}
    missing = [name.removeprefix("model.") for name in shapes if name not in header]
    extra = [name.removeprefix("model.") for name in header if name.startswith("model.") and name not in shapes]
    if extra:
        raise Refused(f"the layers of the trained model are not those that the course names, and scoring runs none of your "
                      f"code. {differences(missing, extra)} {what_to_rename(missing or extra)}; {AND_AGAIN}")
    for name, shape in shapes.items():
        if name not in header:
            raise Refused(f"{file} holds no {name}, which the EncoderDecoder of run.json has: {AS_WRITTEN}")
        if header[name]["shape"] != shape:
            raise Refused(f"{name} is {header[name]['shape']} in {file} and {shape} in the EncoderDecoder of "
                          "run.json: the checkpoint belongs to a model of another shape.")
    for name in header:
        if name not in shapes and not name.startswith(("optimizer.", "chance.")):
            raise Refused(f"{file} holds {name}, which no EncoderDecoder has: only weights are graded, not answers.")


def check_sha256(name: str, data: bytes, facts: dict) -> None:
    """The file is the one that run.json was written for."""
    if "sha256" in facts and hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise Refused(f"{name} is not the file that run.json was written for: {AS_WRITTEN}")


def tensors_in(name: str, data: bytes) -> dict[str, torch.Tensor]:
    """The tensors of a file whose header has been checked."""
    try:
        return safetensors.torch.load(data)
    # Only the weights' entries were checked; those of other tensors may hold anything, and fail in any way.
    except Exception as error:
        raise Refused(f"{name} is not a safetensors file ({type(error).__name__}): {AS_WRITTEN}") from None


def check_step_counts(name: str, tensors: dict[str, torch.Tensor], run: Run) -> None:
    """The optimizer counted as many steps as run.json says."""
    try:
        counted = {int(tensor) for key, tensor in tensors.items() if key.startswith("optimizer.step.")}
    # NaN, infinity, or several numbers: each fails in its own way.
    except Exception as error:
        raise Refused(f"{name} does not say how many steps the optimizer made ({type(error).__name__}): "
                      f"{AS_WRITTEN}") from None
    if counted != {run.step}:
        raise Refused(f"run.json is at step {run.step:,}, and the optimizer at "
                      f"{', '.join(f'{n:,}' for n in sorted(counted)) or 'none'}: {AS_WRITTEN}")


def check_finite(state: dict[str, torch.Tensor]) -> None:
    """All weights are numbers."""
    if not all(tensor.isfinite().all() for tensor in state.values()):
        raise Refused("the weights hold NaN or infinity: this training diverged.")


def check_own_decoder(model: EncoderDecoder) -> None:
    """The decoder is not that of the course's translator, which everyone has."""
    own, shipped = decoder_matrices(model), shipped_decoder_matrices()
    if own.shape == shipped.shape and (alike := correlation(own, shipped)) > SAME_AS_SHIPPED:
        raise Refused(f"the decoder is that of the translator which comes with the course (correlation {alike:.3f}): "
                      "hand in a training of your own. Its encoder may begin with the head start of notebook 9.")


def decoder_matrices(model: EncoderDecoder) -> torch.Tensor:
    """The matrices of the decoder's blocks as one vector: no head start gives them, and training changes them most."""
    return torch.cat([p.detach().flatten() for p in model.decoder.layers["blocks"].parameters() if p.dim() == 2])


@lru_cache
def shipped_decoder_matrices() -> torch.Tensor:
    """Those of the course's own translator."""
    return decoder_matrices(weights.load("translator")[0])


def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    """Of two vectors; 1 if they are the same."""
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def tokenizer_for(model: EncoderDecoder, folder: Path) -> Tokenizer:
    """The tokenizer that was saved beside the model."""
    path = folder / "tokenizer.json"
    if not path.exists():
        raise Refused(f"tokenizer.json is missing in {folder.name}: without it nobody knows which word an id stands "
                      "for. (folder / \"tokenizer.json\").write_text(tokenizer.to_json())")
    facts = read_json(path)
    try:
        tokenizer = Tokenizer.from_json(json.dumps(facts))
    except ValueError as error:
        raise Refused(f"tokenizer.json: {error}") from None
    for part, config in (("encoder", model.encoder.config), ("decoder", model.decoder.config)):
        if config.vocab_size < tokenizer.vocab_size:
            raise Refused(f"the {part} knows {config.vocab_size} ids and the tokenizer {tokenizer.vocab_size}: they "
                          "belong to different trainings.")
    return tokenizer
