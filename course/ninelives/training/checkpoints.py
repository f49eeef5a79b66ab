"""A training on disk: run.json, and beside it the tensors of the step that it names.

run.json is replaced in one go, after the tensors are safely on disk. So a crash
at any moment leaves either the old checkpoint or the new one, whole.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from ninelives.sentence import ShownAsSentence
from ninelives.training.recipe import Run
from ninelives.training.state import Training

RUN_FILE = "run.json"
OPTIMIZER_STATE = ("step", "exp_avg", "exp_avg_sq")  # of AdamW, for each parameter


class AnotherTraining(ShownAsSentence, ValueError):
    """The folder holds a training with another model, recipe or settings."""


class Damaged(ShownAsSentence, ValueError):
    """The folder holds something that cannot be read as a training."""


class NotSaved(ShownAsSentence, OSError):
    """A checkpoint could not be written."""


def save(training: Training, folder: Path) -> None:
    """Replace the folder's checkpoint by the training as it is. Raises NotSaved."""
    tensors = {f"model.{name}": tensor for name, tensor in training.model.state_dict().items()}
    tensors |= {f"chance.{name}": state for name, state in training.random_states.items()}
    for name, parameter in training.parameters.items():
        for what, tensor in training.optimizer.state[parameter].items():
            tensors[f"optimizer.{what}.{name}"] = tensor
    write(folder, {**asdict(training.run), "losses": training.losses, "shapes": shapes(training.model)}, tensors)


def restore(training: Training, folder: Path) -> None:
    """Continue from the folder's checkpoint, if it holds one.

    Raises:
        AnotherTraining: it is of another training. Nothing was changed.
        Damaged: (a ValueError) nothing was changed.
    """
    saved = read(folder)
    if saved is None:
        return
    run, facts, tensors = saved
    refuse_another(training, folder, run, facts["shapes"])
    training.model.load_state_dict(under("model.", tensors))
    states = {what: under(f"optimizer.{what}.", tensors) for what in OPTIMIZER_STATE}
    for name, parameter in training.parameters.items():
        # A tensor from a file shares its memory with the file and may lie at any address, so it is copied.
        state = {what: found[name].clone().to(training.device) for what, found in states.items() if name in found}
        if state:
            training.optimizer.state[parameter] = state
    training.run, training.losses, training.random_states = run, facts["losses"], under("chance.", tensors)
    training.undo_unfinished_step()


def refuse_another(training: Training, folder: Path, run: Run, saved_shapes: dict[str, list[int]]) -> None:
    """Raise AnotherTraining if the folder's training has another recipe, other settings or another model."""
    here = {**training.run.settings, **flat(asdict(training.run.recipe)), **flat(training.run.config)}
    there = {**run.settings, **flat(asdict(run.recipe)), **flat(run.config)}
    different = [
        f"{name} is {there.get(name, 'missing')} there and {here.get(name, 'missing')} here"
        for name in {**here, **there} if there.get(name) != here.get(name)
    ]
    # Other sizes have other shapes, so these are named only where nothing else differs.
    if not different and saved_shapes != shapes(training.model):
        different = ["the sizes are the same, but the model's layers, or their names, are others than before"]
    if different:
        more = f", and {len(different) - 3} more differences" if len(different) > 3 else ""
        raise AnotherTraining(
            f"The folder {folder.name} holds another training run, at step {run.step:,}: {'; '.join(different[:3])}{more}. "
            f"Nothing was changed. Either go back to what is there, and that run goes on; or rename or delete the "
            f"folder {folder.name} (in JupyterLab: in the file browser on the left), and this one begins."
        )


def shapes(model: nn.Module) -> dict[str, list[int]]:
    """The shape of every tensor in the model's state, by its name."""
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items()}


def under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def flat(tree: dict, path: str = "") -> dict:
    """{"decoder": {"n_embd": 8}} to {"decoder.n_embd": 8}."""
    leaves = {}
    for name, value in tree.items():
        name = f"{path}.{name}".strip(".")
        leaves |= flat(value, name) if isinstance(value, dict) else {name: value}
    return leaves


def write(folder: Path, facts: dict, tensors: dict[str, torch.Tensor]) -> None:
    """Replace the folder's checkpoint by this one.

    Args:
        facts: JSON values; facts["step"] names the file of the tensors.

    Raises:
        NotSaved: the folder cannot be written. What it held, it still holds.
    """
    # A tensor that two names share is written twice: safetensors knows no sharing.
    data = safetensors.torch.save({name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()})
    facts = {**facts, "sha256": hashlib.sha256(data).hexdigest()}
    new = old = tensors_file(folder, facts)
    try:
        if (folder / RUN_FILE).exists():
            old = tensors_file(folder, json.loads((folder / RUN_FILE).read_bytes()))
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(new, data)
        replace_file(folder / RUN_FILE, json.dumps(facts, indent=1).encode())
    except OSError as error:
        raise NotSaved(
            f"the training cannot be saved in {folder} ({error.strerror}): make room there, or allow writing, or give "
            f"train() another folder. Nothing that was saved before has changed."
        ) from error
    if old != new:
        old.unlink(missing_ok=True)


def read(folder: Path) -> tuple[Run, dict, dict[str, torch.Tensor]] | None:
    """The run, all facts and the tensors that `write` wrote last; None if it never wrote.

    Raises:
        Damaged: (a ValueError) it cannot be read.
    """
    if not (folder / RUN_FILE).exists():
        return None
    try:
        facts = json.loads((folder / RUN_FILE).read_bytes())
        data = tensors_file(folder, facts).read_bytes()
        if hashlib.sha256(data).hexdigest() != facts["sha256"]:
            raise ValueError(f"{tensors_file(folder, facts).name} is not the file that was written")
        return Run.from_facts(facts), facts, safetensors.torch.load(data)
    # Not JSON, other keys, other types, a missing file: damage has many forms.
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise Damaged(
            f"the checkpoint in {folder} is damaged ({error}). Nothing was changed: give train() another folder, or "
            f"delete this one to start again."
        ) from error


def tensors_file(folder: Path, facts: dict) -> Path:
    """The file of the tensors that belong to these facts."""
    return folder / f"step-{facts['step']:06d}.safetensors"


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that at any moment it holds either all of its old content or all of the new."""
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
