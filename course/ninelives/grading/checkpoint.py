"""A learner's training, scored from what it has left on disk: nothing is trained, nothing is run that they wrote.

    python -m ninelives.grading.checkpoint submitted

scores every training of notebook 9 in a class and names those that have the same weights.
"""

import argparse
import hashlib
import json
import random
import sys
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import torch
from safetensors.torch import load
from torch.nn import functional as F

from ninelives import weights
from ninelives.checks.exercise import CheckFailed, Exercise
from ninelives.config import TransformerConfig
from ninelives.grading.folders import printable
from ninelives.model import EncoderDecoder, prefix_generation
from ninelives.text.grammar import sentences
from ninelives.text.tokenizers import Tokenizer
from ninelives.training import Run, translation_batch

MOST_BYTES = {"run.json": 5_000_000, "tokenizer.json": 1_000_000, "tensors": 60_000_000}
MOST_PARAMETERS, MOST_STEPS = 2_000_000, 30_000
MOST_OF = {"vocab_size": 2000, "block_size": 256, "n_embd": 512, "n_head": 64, "n_layer": 12}
FLOATS = ("F64", "F32", "F16", "BF16")
MOST_BY_CHANCE = 0.05  # of answers that match another sentence's
SENTENCES = 400
CLOSE = 0.98  # correlation of two trainings' weights; two of their own have hardly any
# Of the matrices that a head start does not give, with the course's: a training that goes on from those stays above 0.97 for
# hundreds of steps; one of its own, from the course's seed and by its recipe, comes to 0.84.
SHIPPED = 0.95


class Refused(ValueError):
    """A checkpoint that is not scored; the message says what was found and what is wanted."""


class NothingThere(Refused):
    """There is no training at all."""


class NotHandedIn(CheckFailed):
    """What a check looks at came with no submission: the instructor's own notebook fails it for that reason alone."""


@dataclass(frozen=True)
class Score:
    """What a training is worth.

    Attributes:
        accuracy: the share of held-out sentences whose French is right to the last word.
        bonus: the same on verbs and reasons never seen in that combination.
        control: the share that match the French of another sentence; near 0 for an honest measure.
        parameters: how many numbers were trained, counted in the file.
        steps: how many steps were made, as the optimizer counted them.
    """

    accuracy: float
    bonus: float
    control: float
    parameters: int
    steps: int


def read(folder: str | Path) -> tuple[EncoderDecoder, Tokenizer, Run]:
    """The model, tokenizer and run in the folder of a training.

    Sizes are looked at before a file is opened, names and shapes before a number is read, and
    nothing is unpickled.

    Raises:
        Refused: with one sentence.
    """
    folder = Path(folder)
    if folder.is_symlink():
        raise Refused(f"{folder.name} is a link: the folder itself is wanted.")
    if not (folder / "run.json").exists():
        pickles = [path.name for path in folder.glob("*") if path.suffix in (".pt", ".pth", ".pkl", ".bin")]
        if pickles:
            raise Refused(f"{folder.name} holds {pickles[0]}, which is a pickle and is not opened, since it could run any code: "
                          "the folder that `train` has written is wanted.")
        raise NothingThere(f"there is no training in {folder.name}: run.json is not written yet. Train with folder=\"{folder.name}\", and hand "
                      "in that folder with the notebook.")
    facts = from_json(folder / "run.json")
    try:
        run = Run.from_facts(facts)
        configs = {part: TransformerConfig(**run.config[part]) for part in ("encoder", "decoder")}
        for part, config in configs.items():
            for name, most in MOST_OF.items():
                if getattr(config, name) > most:
                    raise Refused(f"the {part}'s {name} is {getattr(config, name):,}; at most {most:,} is graded.")
        steps = run.step
        if not isinstance(steps, int) or steps < 1:
            raise Refused(f"run.json says {steps!r} steps: this training has not begun.")
        path = folder / f"step-{steps:06d}.safetensors"
        # Without memory and without numbers: it is there for names and shapes.
        with torch.device("meta"):
            empty = EncoderDecoder(configs["encoder"], configs["decoder"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(f"run.json describes no training of an EncoderDecoder ({type(error).__name__}: {error}): "
                      "hand in the folder as `train` has written it.") from None
    parameters = sum(p.numel() for p in empty.parameters())
    if parameters > MOST_PARAMETERS:
        raise Refused(f"the model has {parameters:,} parameters; at most {MOST_PARAMETERS:,} are graded.")
    if steps > MOST_STEPS:
        raise Refused(f"the training took {steps:,} steps; at most {MOST_STEPS:,} are graded.")
    wanted = {f"model.{name}": list(tensor.shape) for name, tensor in empty.state_dict().items()}
    header = header_of(path)
    there = {name: entry["shape"] for name, entry in header.items() if name.startswith("model.")}
    for name in wanted:
        if name not in there:
            raise Refused(f"{path.name} holds no {name}, which the EncoderDecoder of run.json has: hand in the folder as `train` has written it.")
        if there[name] != wanted[name]:
            raise Refused(f"{name} is {there[name]} in {path.name} and {wanted[name]} in the EncoderDecoder of run.json: "
                          "the checkpoint belongs to a model of another shape.")
    strange = [name for name in header if name not in wanted and not name.startswith(("optimizer.", "chance."))]
    if strange:
        raise Refused(f"{path.name} holds {strange[0]}, which no EncoderDecoder has: only weights are graded, no tables of answers.")
    data = contents(path, "tensors")
    if "sha256" in facts and hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise Refused(f"{path.name} is not the file that run.json was written for: hand in the folder as `train` has written it.")
    try:
        tensors = load(data)
        counted = {int(tensor) for name, tensor in tensors.items() if name.startswith("optimizer.step.")}
    except Exception as error:  # of whatever kind: the header has been looked at for weights alone
        raise Refused(f"{path.name} is no safetensors file ({type(error).__name__}): hand in the folder as `train` has written it.") from None
    if counted != {steps}:
        raise Refused(f"run.json says {steps:,} steps and the optimizer {', '.join(f'{n:,}' for n in sorted(counted)) or 'none'}: "
                      "hand in the folder as `train` has written it.")
    trained = {name.removeprefix("model."): tensor.float() for name, tensor in tensors.items() if name.startswith("model.")}
    if not all(tensor.isfinite().all() for tensor in trained.values()):
        raise Refused("the weights hold NaN or infinity: this training diverged.")
    model = empty.to_empty(device="cpu")
    model.load_state_dict(trained)
    found, given = matrices(model), shipped()
    if found.shape == given.shape and (alike := correlation(found, given)) > SHIPPED:
        raise Refused(f"the decoder is that of the translator which comes with the course (correlation {alike:.3f}): a training of "
                      "your own is wanted, whose encoder may have the head start of notebook 9.")
    return model.eval(), tokenizer_in(folder, configs), run


def matrices(model: EncoderDecoder) -> torch.Tensor:
    """The matrices of the decoder's blocks as one vector: no head start gives them, and training changes them most."""
    return torch.cat([p.detach().flatten() for p in model.decoder.layers["blocks"].parameters() if p.dim() == 2])


@lru_cache
def shipped() -> torch.Tensor:
    """Those of the course's own translator, which everyone has."""
    return matrices(weights.load("translator")[0])


def correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one, other]))[0, 1])


def from_json(path: Path) -> dict:
    """A small file of JSON. Raises Refused."""
    data = contents(path, path.name)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError alone
        raise Refused(f"{path.name} is no JSON ({type(error).__name__}): hand in the folder as `train` has written it.") from None


def contents(path: Path, kind: str) -> bytes:
    """A file's bytes, once it is known to be a file and not too large. Raises Refused."""
    if path.is_symlink():
        raise Refused(f"{path.name} is a link: the file itself is wanted.")
    if not path.is_file():
        raise Refused(f"{path.name} is missing: hand in the whole folder that `train` has written.")
    size, most = path.stat().st_size, MOST_BYTES[kind]
    if size > most:
        raise Refused(f"{path.name} has {size / 1e6:,.0f} MB and was not opened; at most {most / 1e6:,.0f} MB are graded.")
    return path.read_bytes()


def header_of(path: Path) -> dict[str, dict]:
    """What a safetensors file says that it holds: {name: {"dtype", "shape", …}}. Raises Refused."""
    data = contents(path, "tensors")
    if data[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise Refused(f"{path.name} is a pickle under another name, as torch.save writes it. It is not opened, since it could run any code.")
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        for entry in header.values():
            if not isinstance(entry["shape"], list) or not isinstance(entry["dtype"], str):
                raise ValueError("a shape is no list, or a kind of number no word")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(f"{path.name} is no safetensors file ({error}): hand in the folder as `train` has written it.") from None
    for name, entry in header.items():
        if name.startswith("model.") and entry["dtype"] not in FLOATS:
            raise Refused(f"{name} holds {entry['dtype']}; weights are floats.")
    return header


def tokenizer_in(folder: Path, configs: dict[str, TransformerConfig]) -> Tokenizer:
    """The tokenizer of a training. Raises Refused."""
    if not (folder / "tokenizer.json").exists():
        raise Refused(f"tokenizer.json is missing in {folder.name}: without it nobody knows which word an id stands for. "
                      f"(folder / \"tokenizer.json\").write_text(tokenizer.to_json())")
    facts = from_json(folder / "tokenizer.json")
    try:
        tokenizer = Tokenizer.from_json(json.dumps(facts))
    except ValueError as error:
        raise Refused(f"tokenizer.json: {error}") from None
    for part, config in configs.items():
        if config.vocab_size < tokenizer.vocab_size:
            raise Refused(f"the {part} knows {config.vocab_size} ids and the tokenizer {tokenizer.vocab_size}: they belong to different trainings.")
    return tokenizer


def score(folder: str | Path, n: int = SENTENCES, seed: int = 0) -> Score:
    """Accuracy on n sentences that this seed draws, of the split "held out" and of "bonus".

    Raises:
        Refused: the folder holds nothing that can be scored.
    """
    folder = Path(folder)
    # Four checks ask about the same files; the time of the last change tells a new training from an old one.
    stamps = tuple(sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in folder.glob("*") if path.is_file()))
    return scored(folder.absolute(), stamps, n, seed)


@lru_cache(maxsize=8)
def scored(folder: Path, stamps: tuple, n: int, seed: int) -> Score:
    model, tokenizer, run = read(folder)
    right = {}
    for split in ("held out", "bonus"):
        drawn = sentences(split, n, seed)
        said, wanted = answers(model, tokenizer, drawn)
        right[split] = share(said, wanted)
        if split == "held out":
            # The same answers against the French of other sentences.
            order = list(range(n))
            random.Random(seed).shuffle(order)
            others = [k for k in order if wanted[k] != wanted[order[k]]]
            right["control"] = share([said[k] for k in others], [wanted[order[k]] for k in others])
    if right["control"] > MOST_BY_CHANCE:
        raise Refused(f"{100 * right['control']:.0f} % of the answers are also right for other sentences: this measures no translation.")
    return Score(right["held out"], right["bonus"], right["control"], sum(p.numel() for p in model.parameters()), run.step)


@torch.no_grad()
def answers(model: EncoderDecoder, tokenizer: Tokenizer, drawn: list) -> tuple[list[list[int]], list[list[int]]]:
    """What the model writes for each sentence, and what it should write, end token included. Raises Refused."""
    try:
        prefix, targets = translation_batch(drawn, tokenizer)
        T = targets.shape[1]
        said = prefix_generation(model, prefix, T, 0, end_token=tokenizer.end_token)
    except (ValueError, TypeError) as error:  # the second of words that are numbers
        raise Refused(f"the model cannot be asked for a translation: {error}") from None
    said = F.pad(said, (0, T - said.shape[1]), value=-1)
    return said.tolist(), targets.tolist()


def share(said: list, wanted: list) -> float:
    return sum(a == b for a, b in zip(said, wanted, strict=True)) / max(1, len(wanted))


own_training = Exercise("own training")


def want(folder, seed: int, what: str, least: float) -> None:
    try:
        found = score(folder, seed=seed)
    except Refused as refusal:
        failure = NotHandedIn if isinstance(refusal, NothingThere) else CheckFailed
        raise failure(str(refusal), "a training that can be scored.", "run the training cell to its end, in this folder.") from None
    number = found.bonus if what == "bonus" else found.accuracy
    if number >= least:
        return
    if what == "bonus":
        cause = "these are verbs and reasons whose passive was never shown. More steps help, and so does a model that is not much too large."
    elif number < 0.4:
        cause = "not even the words are right yet: look whether the loss still falls, and at the samples."
    elif number < 0.6:
        cause = "all is right but the pronoun, which is guessed: half of the sentences. The model has not found out what \"it\" stands for. " \
                "A higher rate with warm-up, larger batches and no dropout find it sooner."
    else:
        cause = "it is learning what \"it\" stands for: go on, or let the rate fall to 0 at the end."
    raise CheckFailed(f"{100 * number:.1f} % of {SENTENCES} sentences are right{' in the bonus' if what == 'bonus' else ''}, after {found.steps:,} steps "
                      f"with {found.parameters:,} parameters.", f"at least {100 * least:.0f} %.", cause)


def _register(name: str, least: float) -> None:
    @own_training.aspect(name)
    def _(folder, seed):
        want(folder, seed, name, least)


for _name, _least in {"50 %": 0.5, "80 %": 0.8, "95 %": 0.95, "99 %": 0.99, "bonus": 0.7}.items():
    _register(_name, _least)


def weights_of(folder: Path) -> tuple[str, torch.Tensor]:
    """A fingerprint of the weights alone, and the weights as one vector. Raises Refused."""
    model, _, _ = read(folder)
    vector = torch.cat([p.detach().flatten() for _, p in sorted(model.named_parameters())])
    return hashlib.sha256(vector.numpy().tobytes()).hexdigest()[:16], vector


def compare(folders: dict[str, Path]) -> list[str]:
    """A sentence for each two of a class whose weights are the same, or nearly."""
    known = {}
    for student, folder in folders.items():
        try:
            known[student] = weights_of(folder)
        except (Refused, OSError):
            continue  # it has its own line already
    said = []
    for (one, (print_1, w_1)), (two, (print_2, w_2)) in combinations(known.items(), 2):
        if print_1 == print_2:
            said.append(f"{one} and {two} handed in the same weights (fingerprint {print_1}).")
        elif w_1.shape == w_2.shape and (alike := correlation(w_1, w_2)) > CLOSE:
            said.append(f"{one} and {two} handed in nearly the same weights (correlation {alike:.3f}): one goes on from the other's, "
                        "or both began from the same seed.")
    return said


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m ninelives.grading.checkpoint", description=__doc__.split("\n")[0])
    parser.add_argument("submitted", type=Path, help="the folder of submissions, submitted/STUDENT/09-training/own")
    parser.add_argument("--assignment", default="09-training")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31), help="draws the sentences; by default another one each time")
    asked = parser.parse_args(arguments)
    folders = {path.parents[1].name: path for path in sorted(asked.submitted.glob(f"*/{asked.assignment}/own"))}
    if not folders:
        sys.exit(f"There is no {asked.submitted}/STUDENT/{asked.assignment}/own; name the folder of submissions.")
    print(f"{'student':24} {'right':>7} {'bonus':>7} {'control':>8} {'steps':>8} {'parameters':>11}    (sentences of seed {asked.seed})")
    for student, folder in folders.items():
        try:
            s = score(folder, seed=asked.seed)
            print(f"{printable(student):24} {s.accuracy:7.1%} {s.bonus:7.1%} {s.control:8.1%} {s.steps:8,} {s.parameters:11,}")
        except (Refused, OSError) as refusal:
            print(printable(f"{student:24} refused: {refusal}"))
    for sentence in compare(folders):
        print(printable(sentence))


if __name__ == "__main__":
    main()
