"""A training on disk: run.json, and beside it the tensors of the step it names.

run.json is replaced in one go, after the tensors are safely on disk, so that a
crash at any moment leaves either the old checkpoint or the new one, whole.
"""

import hashlib
import json
import os
from pathlib import Path

import torch
from safetensors.torch import load, save

from ninelives.training.recipe import Run

RUN_FILE = "run.json"


class NotSaved(OSError):
    """A checkpoint could not be written."""


def write(folder: Path, facts: dict, tensors: dict[str, torch.Tensor]) -> None:
    """Replace the folder's checkpoint by this one.

    Args:
        facts: what JSON can hold; facts["step"] names the file of the tensors.

    Raises:
        NotSaved: the folder cannot be written. What stood there stands.
    """
    # A tensor that two names share is written twice: safetensors knows no sharing.
    data = save({name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()})
    facts = {**facts, "sha256": hashlib.sha256(data).hexdigest()}
    current = before = tensors_file(folder, facts)
    try:
        if (folder / RUN_FILE).exists():
            before = tensors_file(folder, json.loads((folder / RUN_FILE).read_bytes()))
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(current, data)
        replace_file(folder / RUN_FILE, json.dumps(facts, indent=1).encode())
    except OSError as error:
        raise NotSaved(
            f"the training cannot be saved in {folder} ({error.strerror}): make room there, or allow writing, or give "
            f"train() another folder. Nothing that was saved before has changed."
        ) from error
    if before != current:
        before.unlink(missing_ok=True)


def read(folder: Path) -> tuple[Run, dict, dict[str, torch.Tensor]] | None:
    """The run, all facts and the tensors that `write` wrote last, or None where it never wrote.

    Raises:
        ValueError: what stands there is damaged.
    """
    if not (folder / RUN_FILE).exists():
        return None
    try:
        facts = json.loads((folder / RUN_FILE).read_bytes())
        data = tensors_file(folder, facts).read_bytes()
        if hashlib.sha256(data).hexdigest() != facts["sha256"]:
            raise ValueError(f"{tensors_file(folder, facts).name} is not the file that was written")
        return Run.from_facts(facts), facts, load(data)
    # Json, keys, types, a missing file: damage has many forms.
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ValueError(
            f"the checkpoint in {folder} is damaged ({error}). Nothing was changed: "
            f"give train() another folder, or delete this one to begin anew."
        ) from error


def tensors_file(folder: Path, facts: dict) -> Path:
    """The file of the tensors that belong to these facts."""
    return folder / f"step-{facts['step']:06d}.safetensors"


def replace_file(path: Path, data: bytes) -> None:
    """The file holds either what it held or all of `data`, whatever happens."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
