"""The pieces of a subword tokenizer as people read them."""

import re
from collections.abc import Sequence
from itertools import pairwise


def _bytes_of_characters() -> dict[str, int]:
    """Which byte each character of a byte-level tokenizer stands for; source: `bytes_to_unicode` of GPT-2's encoder.py."""
    themselves = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in themselves]
    return {**{chr(byte): byte for byte in themselves}, **{chr(256 + n): byte for n, byte in enumerate(others)}}


BYTES = _bytes_of_characters()
SPECIAL = re.compile(r"\[[A-Z]+\d*\]|</?s>|<\|.*\|>")  # [CLS], <s>, <|endoftext|>


def readable(tokens: Sequence) -> list[str]:
    """Tokens without the marks of their tokenizer: "Ġdog", "▁dog" and "dog</w>" are "dog", "##ing" is "ing".

    The characters of a byte-level tokenizer become those that they encode ("Ã©" is "é", "Ċ" a line break), where a token
    holds whole characters. A token that is only a space stays one. Ids may be given instead of words, as numbers or
    as a tensor.
    """
    return [_without_marks(_decoded(str(token))) for token in _items(tokens)]


def item_of(*labels: Sequence) -> str:
    """What the things with these labels are called in sentences: "word", or "token" where some are pieces of words, ids, digits or characters.

    They are words if some have two letters side by side and none has a mark of a subword tokenizer.
    """
    return "word" if all(_are_words([str(label) for label in _items(some)]) for some in labels) else "token"


def _are_words(labels: list[str]) -> bool:
    has_marks = readable(labels) != labels or any(label != label.strip() or SPECIAL.fullmatch(label) for label in labels)
    return not has_marks and any(a.isalpha() and b.isalpha() for label in labels for a, b in pairwise(label))


def _items(tokens: Sequence) -> Sequence:
    return tokens.tolist() if hasattr(tokens, "tolist") else [t.item() if hasattr(t, "item") else t for t in tokens]


def _decoded(token: str) -> str:
    """A space or a line break, and what is not ASCII, have characters of their own in the tokens of many tokenizers."""
    text = token.replace("▁", " ")
    if all(character in BYTES for character in token):
        try:
            text = bytes(BYTES[character] for character in token).decode("utf-8")
        except UnicodeDecodeError:
            pass  # a part of a character, or a word of another tokenizer
    return token if text == token else text.strip(" ") or text[:1]


def _without_marks(token: str) -> str:
    if byte := re.fullmatch(r"<0x([0-7][0-9A-F])>", token):
        return chr(int(byte[1], 16))
    return re.sub(r"^##(?=.)", "", token).removesuffix("</w>")
