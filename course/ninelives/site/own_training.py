"""The training of notebook 9, which the pages show without making it again.

It is that of the solved notebook, made once: with its recipe, on its own parts, from nothing. To make it again, run the
solved notebook 9, and then `python -m ninelives.site.own_training FOLDER` with the folder in which it ran.
"""

import argparse
import json
from pathlib import Path

import safetensors.torch
import torch

from ninelives.training import checkpoints

KEPT = Path(__file__).resolve().parents[2] / "answers" / "own-training"  # in a clone alone: learners get no trained model


def keep(folder: Path) -> None:
    """Keep the training in the folder of notebook 9, its weights in float16, without what the optimizer remembers."""
    _, facts, tensors = checkpoints.read(folder / "own")
    kept = {name: tensor.half() if name.startswith("model.") else tensor for name, tensor in tensors.items()
            if not name.startswith("optimizer.")}
    facts.pop("sha256")
    KEPT.mkdir(exist_ok=True)
    (KEPT / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    (KEPT / "tokenizer.json").write_bytes((folder / "own" / "tokenizer.json").read_bytes())
    (KEPT / "weights.safetensors").write_bytes(safetensors.torch.save(kept))


def put_training(folder: Path) -> None:
    """Put the training into a folder of notebook 9, as it lies there when all steps have been made."""
    facts = json.loads((KEPT / "run.json").read_text(encoding="utf-8"))
    tensors = safetensors.torch.load_file(KEPT / "weights.safetensors")
    for name, tensor in checkpoints.under("model.", tensors).items():
        tensors[f"model.{name}"] = tensor.float()
        tensors[f"optimizer.step.{name}"] = torch.tensor(float(facts["step"]))
    checkpoints.write(folder / "own", facts, tensors)
    (folder / "own" / "tokenizer.json").write_bytes((KEPT / "tokenizer.json").read_bytes())
    (folder / "seed.txt").write_text(str(facts["recipe"]["seed"]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ninelives.site.own_training", description="Keep a training of notebook 9 for the site.")
    parser.add_argument("folder", type=Path, help="where the solved notebook 9 has run")
    keep(parser.parse_args().folder)


if __name__ == "__main__":
    main()
