"""Notebook 9, exercise 1: what the tokenizer must do."""

import re
from typing import Any

import torch

from ninelives.checks.exercise import CheckFailed, Exercise, ids, in_case, kind_of, on_layers_of, run
from ninelives.checks.want import NO_RETURN

tokenizer = Exercise("Tokenizer")

# Not in alphabetical order, and none a part of another's sentence by accident.
WORDS = ["il", "the", "qu'", "était", "cat", "parce", "it", "le", "was", "full", "chat", "because", "rassasié", "hen"]
TEXTS = ["the cat was full because it was full", "le chat était rassasié parce qu'il était rassasié", "it was the hen", "hen"]
LOWER = "a word at the beginning of a sentence is the same word: `text.lower()` first."
FULL_STOP = "the full stop at the end belongs to no word: `text.removesuffix(\".\")`."
STOP_BEFORE_A_SPACE = "a space follows the full stop here, so it is not at the very end: `strip()` comes before `removesuffix(\".\")`."
TWO_WORDS = "\"qu'il\" is two words: put a space after every apostrophe, `text.replace(\"'\", \"' \")`, and then split."
KEEPS_ITS_APOSTROPHE = "\"qu'\" keeps its apostrophe, so the space comes after it and nowhere else: `text.replace(\"'\", \"' \")`."
EMPTY_WORD = "`split(\" \")` makes an empty word where two spaces follow each other, or where one is at the end; `split()` does not."
PLAIN = "the hen was full"
STOP_INSIDE = "the h.en was full"
# Each of these texts holds one difficulty more than those before. So a word that is unknown in one of them has this cause.
FORMS = [
    (PLAIN.capitalize(), {"The": LOWER}),
    (f"{PLAIN}.", {"full.": FULL_STOP}),
    (f"{PLAIN}. ", {"full.": STOP_BEFORE_A_SPACE, "": EMPTY_WORD}),
    ("the  hen was full", {"": EMPTY_WORD}),
    (" the hen was full ", {"": EMPTY_WORD}),
]
APOSTROPHE = {"qu'il": TWO_WORDS, "qu": KEEPS_ITS_APOSTROPHE}
DECODE_HINTS = {
    "only integer tensors of a single": "go through the ids as numbers: `ids.tolist()`.",
    "-1": "−1 is padding, and no word has this id: stop there.",
    "list index out of range": "there need not be an end token or −1 at the end: stop after the last id too, as `for id in ids.tolist()` does.",
}


class GivenTokenizer:
    """The constructor that the exercise gives, and a right answer; each mistake spoils a part of it."""

    def __init__(self, words: list[str]) -> None:
        self.words = ["<end>", *words]
        self.id_of = {word: id for id, word in enumerate(self.words)}
        self.end_token = self.id_of["<end>"]

    def split(self, text):
        return text.lower().strip().removesuffix(".").replace("'", "' ").split()

    def encode(self, text):
        words = self.split(text)
        for word in words:
            if word not in self.words[1:]:
                raise ValueError(f"unknown word {word!r}")
        return torch.tensor([self.id_of[word] for word in words], dtype=torch.int64)

    def decode(self, ids):
        words = []
        for id in ids.tolist():
            if id in (-1, self.end_token):
                break
            words.append(self.words[id])
        return " ".join(words).replace("' ", "'")


@tokenizer.mistake(
    "encode", "one id too many: the end token is put after an answer when a batch is made, not by encode.")
class EndTokenPutByEncode(GivenTokenizer):
    def encode(self, text):
        return torch.cat([super().encode(text), torch.tensor([self.end_token])])


@tokenizer.mistake("encode", "there are as many ids as the text has letters. Each word gets one: `text.split()`.")
class LettersEncoded(GivenTokenizer):
    def encode(self, text):
        return torch.tensor([self.id_of.get(letter, 1) for letter in text])


@tokenizer.mistake("encode", "the ids of one sentence have one axis, (T,); the batch comes later.")
class BatchOfOne(GivenTokenizer):
    def encode(self, text):
        return super().encode(text).unsqueeze(0)


@tokenizer.mistake("encode", "the ids of one sentence have one axis, (T,); the batch comes later.")
class AxisOfOne(GivenTokenizer):
    def encode(self, text):
        return super().encode(text).unsqueeze(1)


@tokenizer.mistake("encode", "this is the first word alone: does `return`, or `break`, stand inside the loop over the words?")
class ReturnInTheLoop(GivenTokenizer):
    def encode(self, text):
        return super().encode(text)[:1]


@tokenizer.mistake("encode", "a word that occurs twice has its id twice: no `set`, and no dictionary of the text's words.")
class EachWordOnce(GivenTokenizer):
    def encode(self, text):
        return torch.tensor(list(dict.fromkeys(super().encode(text).tolist())), dtype=torch.int64)


@tokenizer.mistake("encode", "these ids are too high by 1: an id is a position in self.words, counted from 0.")
class IdsCountedFromOne(GivenTokenizer):
    def encode(self, text):
        return super().encode(text) + 1


@tokenizer.mistake("encode", "these ids are too low by 1: id 0 is the end token's, with which self.words begins.")
class EndTokenForgotten(GivenTokenizer):
    def encode(self, text):
        return super().encode(text) - 1


@tokenizer.mistake(
    "encode", "the ids are positions in the sorted vocabulary. The words keep the order in which they were given.")
class WordsSorted(GivenTokenizer):
    def encode(self, text):
        return torch.tensor([sorted(self.words).index(word) for word in self.split(text)])


@tokenizer.mistake("encode", "the sentence is reversed.")
class SentenceReversed(GivenTokenizer):
    def encode(self, text):
        return super().encode(text).flip(0)


class UnknownBecomesTheEnd(GivenTokenizer):
    """Every word that is unknown gets the id 0, without a word about it."""

    def encode(self, text):
        return torch.tensor([self.id_of.get(word, 0) for word in self.split(text)], dtype=torch.int64)


class UnknownLeftOut(GivenTokenizer):
    """Every word that is unknown is left out, without a word about it."""

    def encode(self, text):
        return torch.tensor([self.id_of[word] for word in self.split(text) if word in self.id_of], dtype=torch.int64)


@tokenizer.mistake("encode", LOWER)
class CapitalBecomesTheEnd(UnknownBecomesTheEnd):
    def split(self, text):
        return text.strip().removesuffix(".").replace("'", "' ").split()


@tokenizer.mistake("encode", LOWER)
class CapitalLeftOut(UnknownLeftOut):
    split = CapitalBecomesTheEnd.split


@tokenizer.mistake("encode", STOP_BEFORE_A_SPACE)
class StopBeforeASpaceBecomesTheEnd(UnknownBecomesTheEnd):
    def split(self, text):
        return text.lower().removesuffix(".").strip().replace("'", "' ").split()


@tokenizer.mistake("encode", STOP_BEFORE_A_SPACE)
class StopBeforeASpaceLeftOut(UnknownLeftOut):
    split = StopBeforeASpaceBecomesTheEnd.split


@tokenizer.mistake("encode", FULL_STOP)
class FullStopBecomesTheEnd(UnknownBecomesTheEnd):
    def split(self, text):
        return text.lower().replace("'", "' ").split()


@tokenizer.mistake("encode", FULL_STOP)
class FullStopLeftOut(UnknownLeftOut):
    split = FullStopBecomesTheEnd.split


@tokenizer.mistake("encode", TWO_WORDS)
class TwoWordsBecomeTheEnd(UnknownBecomesTheEnd):
    def split(self, text):
        return text.lower().strip().removesuffix(".").split()


@tokenizer.mistake("encode", KEEPS_ITS_APOSTROPHE)
class ApostropheReplacedByASpace(UnknownBecomesTheEnd):
    def split(self, text):
        return text.lower().strip().removesuffix(".").replace("'", " ").split()


@tokenizer.mistake("encode", EMPTY_WORD)
class EmptyWordBecomesTheEnd(UnknownBecomesTheEnd):
    def split(self, text):
        return text.lower().strip().removesuffix(".").replace("'", "' ").split(" ")


def made_tokenizer(answer, seed: int) -> tuple[Any, list[str]]:
    """The learner's tokenizer on a vocabulary of this seed's order, and that vocabulary."""
    words = WORDS[seed % 3 :] + WORDS[: seed % 3]
    return run(answer, list(words), what="Tokenizer.__init__"), words


@tokenizer.aspect("encode")
def gives_every_word_its_position_in_the_vocabulary(answer, seed):
    made, words = made_tokenizer(answer, seed)
    for text in TEXTS:
        want_ids(made, words, text, text.replace("'", "' ").split(), APOSTROPHE)
    for word in {words[0], words[-1]} - {"qu'"}:
        want_ids(made, words, word, [word])
    for text, causes in FORMS:
        want_ids(made, words, text, PLAIN.split(), causes)
    want_ids(made, words, "", [])
    if getattr(made, "end_token", None) != 0:
        raise CheckFailed(f"end_token is {getattr(made, 'end_token', None)!r}.", "0.", "keep the __init__ of the exercise as it is.")


def want_ids(made: Any, words: list[str], text: str, split: list[str], causes: dict[str, str] | None = None) -> None:
    """Refuse other ids of a text than the positions of its words.

    Args:
        causes: the likely cause behind each word that an error calls unknown; under "" that of any other.
    """
    wanted = torch.tensor([1 + words.index(word) for word in split], dtype=torch.int64)
    given = GivenTokenizer(words)

    def encode_of(mistake):
        return on_layers_of(given, mistake).encode

    try:
        result = run(made.encode, text, what=f"encode({text!r})")
    except CheckFailed as failure:
        if " " in text and failure.error == repr(text):
            failure.cause, failure.error = "the whole text was looked up in self.id_of, which holds single words: `text.split()` first.", ""
        elif cause := cause_of_unknown(failure, causes or {}):
            failure.cause, failure.error = cause, ""
        raise
    if isinstance(result, torch.Tensor) and not result.numel() and result.dtype != torch.int64 and not text:
        raise CheckFailed(f"encode('') gives no ids, as it should, and they are {result.dtype}.", "torch.int64, for an empty text too.",
                          "`torch.tensor([])` of an empty list holds floats: name the dtype, as the hint does.")
    tokenizer.want_shape(result, wanted.shape, "(T,)", f"encode({text!r})", (text,), encode_of)
    if not text:
        return
    if result.dtype != torch.int64:
        raise CheckFailed(f"encode gives {result.dtype}.", "torch.int64: ids look up rows of a table.",
                          "`torch.tensor([…])` of whole numbers is int64 by itself.")
    tokenizer.want_values(
        result, wanted, (text,), make=encode_of, what=lambda: f"encode({text!r}) gives", row_of=ids,
        meaning=", the position of each word in the vocabulary", caption="The ids of a sentence: wanted, and yours",
        otherwise="a word's id is its position in self.words; the dictionary self.id_of holds it.",
    )


def cause_of_unknown(failure: CheckFailed, causes: dict[str, str]) -> str:
    """The cause behind an error of the learner's encode that calls a word unknown, or nothing."""
    if not re.search(r" raised (Key|Value|Index)Error", failure.seen):
        return ""
    for word, cause in causes.items():
        if not word or re.search(rf"(?<!\w){re.escape(word)}(?!\w)", failure.error):
            return cause
    return ""


@tokenizer.aspect("unknown")
def refuses_a_word_outside_the_vocabulary_and_names_it(answer, seed):
    made, words = made_tokenizer(answer, seed)
    run(made.encode, "hen", what="encode")  # says so if it is not written yet
    # The same text twice: what was refused once is refused again.
    for text, word in (("the unicorn was full", "unicorn"), ("it was purple", "purple"), ("Zebra", "zebra"), ("zebra", "zebra"),
                       (STOP_INSIDE, "h"), ("the hen <end>", "end")):
        try:
            result = made.encode(text)
        except ValueError as error:
            said = str(error)
            named = said.replace(text, "") if " " in text else said  # the text as a whole does not say which
            if word in named or word.capitalize() in named:
                want_known_words_as_before(made, words)
                continue
            raise CheckFailed(
                f"encode({text!r}) raises ValueError: {error}", f"a message that names the word, {word!r}.",
                "the whole text is quoted, which does not say which of its words is unknown: put this word into the message."
                if word in said else
                "the word is in the message, but in capitals: write it as it stands in the text, so that it can be found there."
                if word in said.lower() else
                "the reader of the message must learn which word is unknown: put it into the message.") from None
        except Exception as error:
            raise CheckFailed(
                f"encode({text!r}) raises {type(error).__name__}: {error}",
                f"ValueError, with a message that names {word!r}.",
                "an assert raises AssertionError. For a wrong argument write `if …: raise ValueError(…)`."
                if isinstance(error, AssertionError) else
                "look before you ask the dictionary: `if word not in self.id_of: raise ValueError(…)`.") from None
        if isinstance(result, Exception):
            raise CheckFailed(f"encode({text!r}) returns a {type(result).__name__}.", f"ValueError, with a message that names {word!r}.",
                              "an error is raised and not returned: `raise ValueError(…)`.")
        found = result.tolist() if isinstance(result, torch.Tensor) else result
        left_out = isinstance(found, list) and len(found) < len(text.split())
        if word == "end":
            raise CheckFailed(f"encode({text!r}) gives {found!r}, though <end> is no word of a text.", "ValueError, as for an unknown word.",
                              "the dictionary self.id_of holds the end token too: `if word not in self.id_of or word == \"<end>\"`.")
        if text == STOP_INSIDE:
            raise CheckFailed(f"encode({text!r}) gives {found!r}, though 'h.en' is not in the vocabulary.", "ValueError, as for an unknown word.",
                              "full stops are taken away inside words too. Only one at the end of the text belongs to no word: "
                              "`removesuffix(\".\")`.")
        if text == "zebra":
            raise CheckFailed(f"encode('zebra') gives {found!r}, though the same word was refused before.", "ValueError again.",
                              "the word that was refused has been added to the vocabulary: encode must leave it as it is.")
        raise CheckFailed(
            f"encode({text!r}) gives {found!r}, though {word!r} is not in the vocabulary.",
            f"ValueError, with a message that names {word!r}.",
            "the word is left out. The model would then translate another sentence than the one that was asked for." if left_out
            else "the word silently becomes another one. A vocabulary without a word for the unknown must refuse it.")


def want_known_words_as_before(made: Any, words: list[str]) -> None:
    """Refuse a tokenizer that knows its words no longer, once it has refused an unknown one."""
    with in_case("after an unknown word was refused", cause="the vocabulary was changed on the way to the error: encode must leave it as it is."):
        want_ids(made, words, PLAIN, PLAIN.split())


@tokenizer.aspect("decode")
def writes_the_words_up_to_the_end_token(answer, seed):
    made, words = made_tokenizer(answer, seed)
    end = made.end_token
    cat, full = [1 + words.index(w) for w in ("le", "chat", "était", "rassasié")], [1 + words.index(w) for w in ("parce", "qu'", "il")]
    for given, wanted in (
        (cat, "le chat était rassasié"),
        (cat + full, "le chat était rassasié parce qu'il"),
        (cat + [end], "le chat était rassasié"),
        (cat + [end, -1, -1], "le chat était rassasié"),
        (cat + [-1, -1], "le chat était rassasié"),
        (cat + [end] + full, "le chat était rassasié"),
        ([end, -1], ""),
        ([], ""),
        ([1], words[0]),
        ([len(words)], words[-1]),
    ):
        result = run(made.decode, torch.tensor(given, dtype=torch.int64), what=f"decode({given})", error_hints=DECODE_HINTS)
        if not isinstance(result, str):
            raise CheckFailed(f"decode gives {kind_of(result)}.", "a text, str.",
                              no_text_cause(made, cat) if result is None else "`\" \".join(words)` makes one text of a list of words.")
        if result != wanted:
            raise CheckFailed(f"decode({given}) gives {result!r}.", f"{wanted!r}. (The end token is {end}.)",
                              decode_cause(result, wanted, given, words))
    for text in TEXTS:
        there_and_back = run(made.decode, run(made.encode, text), what="decode")
        if there_and_back != text:
            raise CheckFailed(f"decode(encode({text!r})) gives {there_and_back!r}.", "the same text.",
                              "encode and decode must use the same list of words, in the same order.")


def no_text_cause(made: Any, cat: list[int]) -> str:
    """The likely mistake behind a decode that gives None for ids without an end token."""
    if isinstance(made.decode(torch.tensor([*cat, made.end_token])), str):
        return ("the only `return` stands under an `if` inside the loop, and without an end token or −1 it is never reached: `break` there, and one "
                "`return` after the loop.")
    return NO_RETURN


def decode_cause(result: str, wanted: str, given: list[int], words: list[str]) -> str:
    """The likely mistake behind a text, given the ids and the words."""
    if result.endswith(words[-1]) and -1 in given:
        return "in Python, words[-1] is the last word of the list. Stop at −1 before you look it up."
    if "<end>" in result:
        return "the end token says that the sentence is over; it is not a word of the sentence."
    if result.replace(" ", "") == wanted.replace(" ", ""):
        if "'" in wanted and "' " in result:
            return "\"qu'\" comes right before the next word, without a space: `.replace(\"' \", \"'\")` at the end."
        return "there is one space between two words, and none at the ends: `\" \".join(…)`."
    if result.startswith(wanted) and not {0, -1} & {*given}:
        return "something is put after the last word: the words alone, with a space between two of them, are the text."
    if result.startswith(wanted):
        return "what comes after the end token is no longer part of the sentence: stop there, with `break`."
    if result.lower() == wanted:
        return "capital letters are put in: the words stay as they are in self.words."
    if result == wanted.replace("'", ""):
        return "the apostrophe is gone, and only the space after it should be: `.replace(\"' \", \"'\")`."
    if wanted.startswith(f"{result} "):
        return "the last word is missing: every id before the first end token or −1 is a word of the sentence."
    return "each id is a position in self.words."
