"""Answers of a class that are alike beyond what the exercise asks for: a place to look, and no verdict."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations

from rapidfuzz.distance import Indel

from ninelives.grading.answer_lines import Line, code_lines, text_lines
from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.class_results import ClassResults, Learner

MIN_TOKENS = 20  # of an answer's own; what is shorter has one natural form
ALIKE = 0.8  # of the tokens of both, in the same order
COMMON = 10  # learners: a line that more of them wrote, or a tenth of the class, says nothing about two of them
MAX_PAIRS = 50  # of an exercise
MAX_LINES = 500  # of an answer that are shown


@dataclass(frozen=True)
class Side:
    """One answer of a pair.

    Args:
        compared: for each line of the text, by what it is aligned with those of the other.
        taken_out: the numbers of lines that do not count.
        shared: the numbers of lines that count and that the other has too.
    """

    learner: Learner
    text: str
    compared: tuple[str | tuple[str, ...], ...]
    taken_out: frozenset[int]
    shared: frozenset[int]


@dataclass(frozen=True)
class Pair:
    """Two answers that are alike: the share of tokens in common, between ALIKE and 1, and of how many."""

    similarity: float
    tokens: int
    sides: tuple[Side, Side]


@dataclass(frozen=True)
class Compared:
    """One exercise.

    Args:
        answers: how many learners wrote one.
        too_short: how many of these have fewer than MIN_TOKENS of their own, and are not compared.
        pairs: the most similar first, at most MAX_PAIRS.
        left_out: how many more pairs there are.
    """

    notebook: str
    name: str
    answers: int
    too_short: int
    pairs: tuple[Pair, ...]
    left_out: int

    @property
    def nothing(self) -> str:
        """Why there is nothing to compare; empty if there is."""
        if self.answers - self.too_short > 1:
            return ""
        if self.too_short:
            return f"{self.too_short} of {self.answers} {'is' if self.too_short == 1 else 'are'} too short"
        return "one learner has answered" if self.answers else "nobody has answered"


@dataclass(frozen=True)
class _Answer:
    learner: Learner
    text: str
    lines: list[Line]
    own: list[Line]
    encoded: str


def compare(results: ClassResults, solved: dict[tuple[str, str], str]) -> list[Compared]:
    """Compare the answers to each exercise with one another.

    Args:
        solved: the instructor's own answers.
    """
    return [_compare_exercise(results, notebook, cell, solved.get((notebook.name, cell.name), ""))
            for notebook in results.notebooks for cell in notebook.cells if cell.is_answer]


def identical(results: ClassResults, solved: dict[tuple[str, str], str]) -> list[tuple[Learner, ...]]:
    """Learners whose answers to all exercises are the same to the letter, however short: two answers or more, of which at
    least one is neither the instructor's nor anyone else's.

    Args:
        solved: the instructor's own answers.
    """
    groups: dict[frozenset, list[Learner]] = {}
    for learner in results.learners:
        groups.setdefault(frozenset((key, text.strip()) for key, text in learner.answers.items()), []).append(learner)
    wrote = Counter(answer for answers, learners in groups.items() for answer in answers for _ in learners)
    own = {(key, text.strip()) for key, text in solved.items()}
    return [tuple(learners) for answers, learners in groups.items() if len(learners) > 1 and len(answers) > 1
            and any(wrote[answer] == len(learners) for answer in answers - own)]


def max_common(learners: int) -> int:
    """How many learners of a class may have written a line that still counts."""
    return max(COMMON, learners // 10)


def _compare_exercise(results: ClassResults, notebook: Notebook, cell: Cell, solution: str) -> Compared:
    key = notebook.name, cell.name
    lines_of = code_lines if cell.kind == "code" else text_lines
    written = [(learner, learner.answers[key], lines_of(learner.answers[key]))
               for learner in results.learners if key in learner.answers]
    taken_out = {line.tokens for text in (cell.shown, solution) for line in lines_of(text)}
    wrote = Counter(tokens for *_, lines in written for tokens in {line.tokens for line in lines})
    common = max_common(len(results.learners))
    taken_out |= {tokens for tokens, learners in wrote.items() if learners > common}
    code: dict[str, str] = {}  # each token as one character, which the comparison needs
    answers = []
    for learner, text, lines in written:
        own = [line for line in lines if line.tokens not in taken_out]
        tokens = [token for line in own for token in line.tokens]
        if len(tokens) >= MIN_TOKENS:
            encoded = "".join(code.setdefault(token, chr(0x10000 + len(code) % 0x100000)) for token in tokens)
            answers.append(_Answer(learner, text, lines, own, encoded))
    found = []
    for one, other in combinations(answers, 2):
        similarity = Indel.normalized_similarity(one.encoded, other.encoded, score_cutoff=ALIKE)
        if similarity >= ALIKE:
            found.append((similarity, min(len(one.encoded), len(other.encoded)), one, other))
    found.sort(key=lambda pair: pair[:2], reverse=True)
    pairs = tuple(Pair(similarity, tokens, (_side(one, other), _side(other, one)))
                  for similarity, tokens, one, other in found[:MAX_PAIRS])
    return Compared(*key, len(written), len(written) - len(answers), pairs, max(0, len(found) - MAX_PAIRS))


def _side(answer: _Answer, other: _Answer) -> Side:
    own = {line.tokens for line in answer.own}
    theirs = {line.tokens for line in other.own}
    taken_out = _numbers(answer.lines, lambda line: line.tokens not in own)
    starts = {line.first: line.tokens for line in answer.lines}
    texts = answer.text.split("\n")[:MAX_LINES]
    compared = tuple(starts.get(number, text.strip()) for number, text in enumerate(texts))
    return Side(answer.learner, answer.text, compared, taken_out, _numbers(answer.own, lambda line: line.tokens in theirs))


def _numbers(lines: list[Line], wanted: Callable[[Line], bool]) -> frozenset[int]:
    return frozenset(number for line in lines if wanted(line) for number in range(line.first, line.last + 1))


def beside(pair: Pair) -> list[tuple[int | None, int | None]]:
    """The rows of both texts side by side, at most MAX_LINES of each: pairs of line numbers, None where only the other has a line."""
    rows: list[tuple[int | None, int | None]] = []
    for _, a, a_end, b, b_end in SequenceMatcher(None, *(side.compared for side in pair.sides), autojunk=False).get_opcodes():
        left, right = list(range(a, a_end)), list(range(b, b_end))
        height = max(len(left), len(right))
        rows += zip(left + [None] * (height - len(left)), right + [None] * (height - len(right)))
    return rows
