"""The lines of an answer, normalised so that layout, comments and the names of its own variables make no difference."""

import ast
import io
import re
from dataclasses import dataclass
from tokenize import (
    COMMENT,
    DEDENT,
    ENCODING,
    ENDMARKER,
    INDENT,
    NAME,
    NEWLINE,
    NL,
    STRING,
    TokenError,
    generate_tokens,
)

MAX_CHARACTERS = 50_000  # of an answer that are compared
OWN_NAME = "v"  # stands for each name that the answer itself gives
LAYOUT = {COMMENT, DEDENT, ENCODING, ENDMARKER, INDENT, NEWLINE, NL}
WORD = re.compile(r"\w+|[^\w\s]")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Line:
    """A statement, or in a text a sentence.

    Args:
        first, last: its lines in the answer, counted from 0.
        tokens: what it says.
    """

    first: int
    last: int
    tokens: tuple[str, ...]


def code_lines(source: str) -> list[Line]:
    """The logical lines of Python code, which need not be valid, without comments and docstrings."""
    source = source[:MAX_CHARACTERS]
    own = _own_names(source)
    lines, tokens, first = [], [], 0
    try:
        for token in generate_tokens(io.StringIO(source).readline):
            if token.type not in LAYOUT:
                first = first if tokens else token.start[0] - 1
                known = token.type == NAME and token.string in own and (not tokens or tokens[-1] != ".")
                tokens.append(OWN_NAME if known else token.string)
                only_text = token.type == STRING and len(tokens) == 1
            elif token.type == NEWLINE and tokens:
                if not only_text:  # a docstring
                    lines.append(Line(first, token.start[0] - 1, tuple(tokens)))
                tokens = []
    except (TokenError, SyntaxError):
        return text_lines(source)
    return lines


def text_lines(source: str) -> list[Line]:
    """The sentences of a text, in lower case."""
    found = []
    for number, line in enumerate(source[:MAX_CHARACTERS].split("\n")):
        words = (tuple(WORD.findall(sentence.lower())) for sentence in SENTENCE_END.split(line))
        found += [Line(number, number, tokens) for tokens in words if tokens]
    return found


def _own_names(source: str) -> set[str]:
    """The names that the code assigns and the arguments of its functions; none if it is not valid Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found - {"self"}
