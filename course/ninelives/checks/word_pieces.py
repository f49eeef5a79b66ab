"""Lab `bert`, exercise 1: what cutting a word into pieces must do."""

from collections.abc import Callable

from ninelives.checks.exercise import CheckFailed, Exercise, kind_of, run
from ninelives.checks.want import NO_RETURN

UNKNOWN = "[UNK]"

word_pieces = Exercise("word_pieces", error_hints={
    "unhashable": "slices of a word are texts: look up `mark + word[start:end]`, and not a list of letters.",
})

GREEDY = ("from the left: the longest beginning of what is left of the word that is in the vocabulary, and the same again for the rest.")
VOCABULARY = (
    "cat", "cats", "ca", "c", "a", "t", "un", "una", "u", "play", "in", "ing", "##s", "##t", "##a", "##ing", "##in", "##g", "##aff",
    "##able", "##affable", "##ffable", "##play", "##er", "##ground", "##e", "##r", "be", "bee", "##ef", "##f", "e", "er", "s", "ground", "ston",
    "##es", "##nes", "##to", "over", "overt", "##talk", UNKNOWN,
)
# Words of which each is one piece, several, or none; with another seed the vocabulary has other pieces as well.
WORDS = ("cat", "cats", "playing", "player", "players", "unaffable", "beef", "playground", "playings", "catx", "xcat", "catxs", "plaything", "qs", "q", "a", "grounding",
         "ingin", "beer", "uns",
         "stones", "overtalk", "playcat")


def vocabulary_of(seed: int) -> dict[str, int]:
    """Pieces and their ids; in another order for each seed, but "cat" has the id 0, which counts as False."""
    pieces = ["cat", UNKNOWN, *sorted(VOCABULARY, key=lambda piece: hash_of(piece, seed))]
    return {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}


def hash_of(piece: str, seed: int) -> int:
    return sum((seed + 3) ** k * ord(letter) for k, letter in enumerate(piece)) % 101


def pieces_by_recursion(word: str, vocabulary: dict[str, int], mark: str = "") -> list[str] | None:
    """The reference: the longest first piece, and then the pieces of the rest; None where there are none."""
    if not word:
        return []
    first = max((piece for piece in vocabulary if (mark + word).startswith(piece) and piece not in (UNKNOWN, "##")
                 and piece.startswith(mark) and (mark or not piece.startswith("##"))), key=len, default=None)
    if first is None:
        return None
    rest = pieces_by_recursion((mark + word)[len(first) :], vocabulary, "##")
    return None if rest is None else [first, *rest]


def walk(word: str, vocabulary, begin: Callable, mark: Callable = lambda start: "##" if start else "") -> list[str]:
    """For mistakes: from left to right, with the ends in another order or with other marks."""
    pieces, start = [], 0
    while start < len(word):
        end = next((end for end in begin(start, len(word)) if mark(start) + word[start:end] in vocabulary), None)
        if end is None:
            return [UNKNOWN]
        pieces.append(mark(start) + word[start:end])
        start = end
    return pieces


def longest_first(start: int, length: int) -> range:
    return range(length, start, -1)


@word_pieces.mistake("longest first", "the shortest piece is taken each time. Begin with all that is left of the word, and shorten it letter by letter.")
def shortest_first(word, vocabulary):
    return walk(word, vocabulary, lambda start, length: range(start + 1, length + 1))


@word_pieces.mistake("longest first", "the last letter of the word is never part of a longer piece: the largest end is `len(word)`, and a slice leaves "
                                      "its end out already.")
def last_letter_alone(word, vocabulary):
    return walk(word, vocabulary, lambda start, length: range(length - 1 if start + 1 < length else length, start, -1))


@word_pieces.mistake("whole words", "the largest end is `len(word)`: a slice leaves its end out already, so with `len(word) - 1` the last letter is in no piece. "
                                    "Write `range(len(word), start, -1)`.")
def last_letter_in_no_piece(word, vocabulary):
    return walk(word, vocabulary, lambda start, length: range(length - 1, start, -1))


@word_pieces.mistake("whole words", "a piece of one letter is never tried: `range` leaves its end out already. Write `range(len(word), start, -1)`, whose last number "
                                    "is `start + 1`.")
def no_single_letters(word, vocabulary):
    return walk(word, vocabulary, lambda start, length: range(length, start + 1, -1))


@word_pieces.mistake("whole words", "the piece with the id 0 is lost: `vocabulary[piece]` and `vocabulary.get(piece)` give 0 for it, which counts as False. "
                                    "Ask `piece in vocabulary`.")
def id_0_lost(word, vocabulary):
    return walk(word, {piece: i for piece, i in vocabulary.items() if i}, longest_first)


@word_pieces.mistake("longest first", "letters of the word are skipped after a marked piece: `len(piece)` counts its ## too. Go on at `start = end`.")
def marks_counted_as_letters(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        end = next((end for end in longest_first(start, len(word)) if mark + word[start:end] in vocabulary), None)
        if end is None:
            return [UNKNOWN]
        pieces.append(mark + word[start:end])
        start += len(pieces[-1])
    return pieces


@word_pieces.mistake("longest first", "the word is called unknown as soon as the first end does not fit. Only when no end fits is it unknown: the `else` belongs to "
                                      "the `for`, and not to the `if`.")
def gives_up_after_one_end(word, vocabulary):
    return walk(word, vocabulary, lambda start, length: range(length, length - 1, -1))


@word_pieces.mistake("longest first", "the marks ## are missing. A piece that does not begin the word has ## before it, when it is looked up and in the result.")
def no_marks(word, vocabulary):
    return walk(word, vocabulary, longest_first, lambda start: "")


@word_pieces.mistake("longest first", "the pieces are found with their marks, and are returned without them. Keep ## in the result: \"##s\" and \"s\" "
                                      "have different ids.")
def marks_taken_off(word, vocabulary):
    return [piece.removeprefix("##") for piece in walk(word, vocabulary, longest_first)]


@word_pieces.mistake("longest first", "the marks are put before the pieces after they have been looked up without them. Look up \"##\" + the letters: \"ing\" "
                                      "may be in the vocabulary where \"##ing\" is not, and the other way round.")
def marks_put_on_later(word, vocabulary):
    found = walk(word, vocabulary, longest_first, lambda start: "")
    return found if found == [UNKNOWN] else [("##" if k else "") + piece for k, piece in enumerate(found)]


@word_pieces.mistake("whole words", "the first piece gets ## too. It begins the word, so it has no mark.")
def mark_on_the_first_too(word, vocabulary):
    return walk(word, vocabulary, longest_first, lambda start: "##")


@word_pieces.mistake("longest first", "the word is cut from its end. Begin at its first letter: the longest beginning comes first.")
def from_the_end(word, vocabulary):
    pieces, end = [], len(word)
    while end:
        start = next((start for start in range(end) if ("##" if start else "") + word[start:end] in vocabulary), None)
        if start is None:
            return [UNKNOWN]
        pieces.insert(0, ("##" if start else "") + word[start:end])
        end = start
    return pieces


@word_pieces.mistake("longest first", "these are the fewest pieces that make up the word. WordPiece does not look ahead: it takes the longest beginning and "
                                      "lives with the rest.")
def fewest_pieces(word, vocabulary):
    best = [[]] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(end):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary and best[start] is not None and (best[end] is None or len(best[start]) + 1 < len(best[end])):
                best[end] = best[start] + [piece]
    return best[-1] or [UNKNOWN]


@word_pieces.mistake("longest first", "only the first piece is returned. Go on with the rest of the word until nothing is left of it.")
def first_piece_alone(word, vocabulary):
    return walk(word, vocabulary, longest_first)[:1]


@word_pieces.mistake("longest first", "the first piece is the longest, and the rest is cut into single letters. The rest is cut in the same way.")
def rest_in_letters(word, vocabulary):
    return walk(word, vocabulary, lambda start, length: range(start + 1, start, -1) if start else range(length, start, -1))


@word_pieces.mistake("longest first", "the pieces are in the wrong order. The piece that begins the word comes first.")
def reversed_order(word, vocabulary):
    return walk(word, vocabulary, longest_first)[::-1]


@word_pieces.mistake("unknown", "the pieces that were found are kept before \"[UNK]\". One part of the word that cannot be cut makes the whole word unknown: "
                                "return [\"[UNK]\"] alone.")
def found_pieces_kept(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        end = next((end for end in longest_first(start, len(word)) if mark + word[start:end] in vocabulary), None)
        if end is None:
            return [*pieces, UNKNOWN]
        pieces.append(mark + word[start:end])
        start = end
    return pieces


@word_pieces.mistake("unknown", "the pieces end where nothing fits any more, and the rest of the word is lost. Return [\"[UNK]\"] then.")
def stops_where_nothing_fits(word, vocabulary):
    return [piece for piece in found_pieces_kept(word, vocabulary) if piece != UNKNOWN]


@word_pieces.mistake("unknown", "a letter that is in no piece becomes an \"[UNK]\" of its own, and the rest is cut. WordPiece calls the whole word unknown.")
def letter_unknown(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        end = next((end for end in longest_first(start, len(word)) if mark + word[start:end] in vocabulary), None)
        pieces.append(UNKNOWN if end is None else mark + word[start:end])
        start = end or start + 1
    return pieces


@word_pieces.mistake("unknown", "a letter that is in no piece is left out. Another word would be read then: return [\"[UNK]\"].")
def letter_left_out(word, vocabulary):
    return [piece for piece in letter_unknown(word, vocabulary) if piece != UNKNOWN]


@word_pieces.mistake("unknown", "the list is empty where the word cannot be cut. Then one piece stands for the whole word: return [\"[UNK]\"].")
def nothing_for_unknown(word, vocabulary):
    pieces = walk(word, vocabulary, longest_first)
    return [] if pieces == [UNKNOWN] else pieces


@word_pieces.mistake("unknown", "a shorter piece is tried where the longest leads to a dead end. WordPiece never goes back: if the rest cannot be cut after the longest "
                                "piece, the whole word is [\"[UNK]\"].")
def backtracking(word, vocabulary, mark=""):
    for end in range(len(word), 0, -1):
        rest = backtracking(word[end:], vocabulary, "##") if end < len(word) else []
        if mark + word[:end] in vocabulary and rest != [UNKNOWN]:
            return [mark + word[:end], *rest]
    return [UNKNOWN]


@word_pieces.mistake("unknown", "inside the word a piece without ## is taken where the marked one is missing. \"cat\" begins a word, and only \"##cat\" goes on with "
                                "one: look up the marked piece alone.")
def unmarked_inside_the_word(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        found = [(mark, end) for end in longest_first(start, len(word)) for mark in ("##"[: 2 * start], "") if mark + word[start:end] in vocabulary]
        if not found:
            return [UNKNOWN]
        mark, end = found[0]
        pieces.append(mark + word[start:end])
        start = end
    return pieces


@word_pieces.mistake("unknown", "\"##[UNK]\" is no piece: the one piece of an unknown word is \"[UNK]\".")
def marked_unknown(word, vocabulary):
    pieces = walk(word, vocabulary, longest_first)
    return ["##[UNK]"] if pieces == [UNKNOWN] else pieces


@word_pieces.mistake("unknown", "the word itself is returned where it cannot be cut. The model has no id for it: return [\"[UNK]\"].")
def word_itself(word, vocabulary):
    pieces = walk(word, vocabulary, longest_first)
    return [word] if pieces == [UNKNOWN] else pieces


def want_pieces(answer: Callable, words: list[str], vocabulary: dict[str, int]) -> None:
    """Refuse other pieces than the reference gives for the words."""
    results = [pieces_of(answer, word, vocabulary) for word in words]
    wanted = [pieces_by_recursion(word, vocabulary) or [UNKNOWN] for word in words]

    def for_each_word(mistake: Callable) -> Callable:
        return lambda words, vocabulary: [mistake(word, vocabulary) for word in words]

    for word, result, right in zip(words, results, wanted):
        if result != right:
            raise CheckFailed(
                f"word_pieces({word!r}, vocabulary) gives {result}.", f"{right}.",
                word_pieces.likely_cause(results, (words, vocabulary), GREEDY, list.__eq__, for_each_word),
            )


def pieces_of(answer: Callable, word: str, vocabulary: dict[str, int]) -> list[str]:
    """The learner's pieces of a word, if they are a list of texts and the vocabulary is as before."""
    before, what = dict(vocabulary), f"word_pieces({word!r}, vocabulary)"
    result = run(answer, word, vocabulary, what=what)
    if vocabulary != before:
        raise CheckFailed(
            f"{what} changed the vocabulary.", "the vocabulary as it was.",
            "a piece is looked up, and never added: the model has a row for each piece that it was trained with.",
        )
    if not isinstance(result, list):
        raise CheckFailed(
            f"{what} gives {kind_of(result)}.", "a list of texts.",
            NO_RETURN if result is None else "one piece is a list too: return [\"[UNK]\"], in brackets." if result == UNKNOWN else "collect the pieces in a list, `pieces.append(…)`, and return it at the end.",
        )
    if strange := [piece for piece in result if not isinstance(piece, str)]:
        raise CheckFailed(
            f"{what} gives a list that holds {kind_of(strange[0])}.", "texts, the pieces themselves.",
            "the pieces are wanted, and not their ids: `vocabulary[piece]` comes later.",
        )
    return result


def words_with(few: Callable[[list[str] | None], bool], vocabulary: dict[str, int], seed: int) -> list[str]:
    words = [word for word in WORDS if few(pieces_by_recursion(word, vocabulary))]
    return words[seed % 2 :] + words[: seed % 2]


@word_pieces.aspect("whole words")
def keeps_a_word_of_the_vocabulary_whole(answer, seed):
    vocabulary = vocabulary_of(seed)
    want_pieces(answer, words_with(lambda pieces: pieces is not None and len(pieces) == 1, vocabulary, seed), vocabulary)


@word_pieces.aspect("longest first")
def takes_the_longest_piece_each_time(answer, seed):
    vocabulary = vocabulary_of(seed)
    want_pieces(answer, words_with(lambda pieces: pieces is not None and len(pieces) > 1, vocabulary, seed), vocabulary)


@word_pieces.aspect("unknown")
def calls_a_word_unknown_of_which_a_part_is_in_no_piece(answer, seed):
    vocabulary = vocabulary_of(seed)
    want_pieces(answer, words_with(lambda pieces: pieces is None, vocabulary, seed), vocabulary)
