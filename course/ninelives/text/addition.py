"""Sums of two numbers below 1,000, each written in five ways (the tokenizer lab).

Sums are held out by their pair of numbers, in either order: if 3 + 45 is held
out, so is 45 + 3.
"""

from dataclasses import dataclass
from functools import cached_property

import torch

from ninelives.text.tokenizers import CharTokenizer, Tokenizer, WordTokenizer

NUMBERS = 1000  # 0 … 999
HELD_OUT = 2000


@dataclass(frozen=True)
class Format:
    """A way to write a sum.

    Args:
        padded: leading zeros give every number three digits and every result four.
        reversed: the result is written from its last digit to its first.
        whole: a number is one token; otherwise each digit is one.
    """

    padded: bool = False
    reversed: bool = False
    whole: bool = False

    def question(self, a: int, b: int) -> str:
        """What the model is given: "3+45=".

        Raises:
            ValueError: a number is outside 0 … 999.
        """
        for number in (a, b):
            if not 0 <= number < NUMBERS:
                raise ValueError(f"{number} is not from 0 to {NUMBERS - 1}: this lab's models know no others.")
        if self.padded:
            return f"{a:03}+{b:03}="
        return f"{a} + {b} = " if self.whole else f"{a}+{b}="

    def answer(self, a: int, b: int) -> str:
        """What the model should write: "48", or "84" with the digits reversed."""
        result = f"{a + b:04}" if self.padded else str(a + b)
        return result[::-1] if self.reversed else result

    def read(self, answer: str) -> int | None:
        """The number that an answer means, or None if it is not a number."""
        answer = answer.strip()
        return int(answer[::-1] if self.reversed else answer) if answer.isdecimal() else None

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """A tokenizer that knows every token of such sums."""
        if self.whole:
            return WordTokenizer([*map(str, range(2 * NUMBERS - 1)), "+", "="])
        return CharTokenizer("0123456789+=")


FORMATS = {
    "plain": Format(),
    "reversed": Format(reversed=True),
    "padded": Format(padded=True),
    "padded, reversed": Format(padded=True, reversed=True),
    "whole numbers": Format(whole=True),
}


def held_out() -> list[tuple[int, int]]:
    """The 2,000 held-out sums, always the same ones, no two of them with the same numbers."""
    generator = torch.Generator().manual_seed(0)
    pairs = {}  # a dict keeps the order in which they are drawn
    while len(pairs) < HELD_OUT:
        a, b = torch.randint(NUMBERS, (2,), generator=generator).tolist()
        if (b, a) not in pairs:
            pairs[a, b] = None
    return list(pairs)


def carries(a: int, b: int) -> int:
    """The number of carries in this sum: 0 in 123 + 456, 3 in 999 + 1."""
    count = carry = 0
    while a or b or carry:
        carry = (a % 10 + b % 10 + carry) >= 10
        count += carry
        a, b = a // 10, b // 10
    return count
