"""A learner who has solved the notebooks, in their own way or as the course does."""

import ast
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat

from answers.right import (
    attention,
    decoder,
    embeddings,
    encoder,
    encoder_decoder,
    generation,
    prefix_generation,
    transformer,
)
from ninelives.build import ROOT

# Right answers of another shape, and the name of each in its notebook.
UNUSUAL: dict[str, dict[str, tuple[Callable, str]]] = {
    "01-embeddings": {"embedding": (embeddings.PositionsByBroadcasting, "Embedding")},
    "02-attention": {"multi-head-self-attention": (attention.HeadsInTheBatch, "MultiHeadSelfAttention")},
    "03-transformer": {"block": (transformer.StepByStep, "TransformerBlock"),
                       "transformer": (transformer.HelperMethods, "Transformer")},
    "04-encoder": {"encoder": (encoder.WholeNumbers, "Encoder")},
    "05-decoder": {"decoder": (decoder.ShorterOfTwoLengths, "Decoder")},
    "06-generation": {"next-token": (generation.through_logarithms, "next_token_probabilities"),
                      "generate": (generation.a_list_that_is_joined_once, "generate")},
    "07-encoder-decoder": {"encoder-decoder": (encoder_decoder.LossByHand, "EncoderDecoder")},
    "08-prefix-generation": {"pad-after-end": (prefix_generation.by_the_first_position, "pad_after_end"),
                             "prefix-generation": (prefix_generation.encodes_once, "prefix_generation")},
}
# In the bank these build on the package's classes. A learner's build on the class of the exercise, with the __init__ that is
# given there, and so on the learner's own attention, blocks and masks.
ON_THE_GIVEN_CLASS = {"TransformerBlock", "Transformer", "EncoderDecoder"}


def plain_source(item: Callable) -> str:
    """The source of a class or function, without its decorators; a package's class becomes the notebook's of that name."""
    lines = inspect.getsource(item).splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith(("class ", "def ", "@torch")))
    return re.sub(r"\bmodel\.(Transformer)", r"\1", "\n".join(lines[first:]))


def needed(source: str, module: dict, found: dict[str, str]) -> dict[str, str]:
    """The functions and classes of an answer's module that it uses, with what they use: name to source, in order of use."""
    for word in dict.fromkeys(re.findall(r"\w+", source)):
        item = module.get(word)
        if word not in found and getattr(item, "__module__", None) == module["__name__"]:
            found[word] = ""
            found[word] = plain_source(item)
            needed(found[word], module, found)
    return found


def imports(module: dict) -> str:
    """What a module of the bank imports, without the bank, the checks and the package's classes."""
    kept = []
    for node in ast.parse(inspect.getsource(sys.modules[module["__name__"]])).body:
        if isinstance(node, ast.ImportFrom) and re.match("answers|ninelives", node.module):
            # Functions of the package, but none of its classes: those are the notebook's own.
            node.names = [each for each in node.names if node.module == "ninelives.model" and each.name.islower()]
        if isinstance(node, ast.Import | ast.ImportFrom) and node.names:
            kept.append(ast.unparse(node))
    return "\n".join(kept)


def in_ones_own_way(solved: str, answer: Callable, name: str) -> str:
    """The source of an answer cell: this answer of the bank under the name of the exercise."""
    own, module = plain_source(answer), vars(inspect.getmodule(answer))
    if name in ON_THE_GIVEN_CLASS:
        own = re.sub(rf"^class (\w+)\((Given|{name})\)", rf"class \1({name})", own)
        return "\n\n\n".join([imports(module), solved, own, f"{name} = {answer.__name__}"])
    others = needed(own, module, {answer.__name__: ""})
    return "\n\n\n".join([imports(module), *reversed(list(others.values())), own, f"{name} = {answer.__name__}"])


def solved_notebook(name: str, unusual: bool = False) -> nbformat.NotebookNode:
    """The solved notebook, with the answers of UNUSUAL."""
    notebook = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        chosen = UNUSUAL.get(name, {}).get(cell.metadata.get("nbgrader", {}).get("grade_id")) if unusual else None
        if chosen:
            cell.source = in_ones_own_way(cell.source, *chosen)
    return notebook


def put_notebooks(folder: Path, unusual: bool = False) -> None:
    """The solved notebooks 1 to 8, each in its folder below `folder`."""
    for path in (ROOT / "solutions").glob("0[1-8]-*"):
        (folder / path.name).mkdir(parents=True)
        nbformat.write(solved_notebook(path.name, unusual), folder / path.name / f"{path.name}.ipynb")
