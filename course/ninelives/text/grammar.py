"""The cat's sentences: English and French, made by a small grammar.

Three families::

    two animals     the hen followed the dog because it was lost
    did not want    the cat did not want to eat because it was full
    dish            the cat did not want to eat the fish because it was rotten

In the first, only verb, reason and voice together say which animal "it" is, and
only that animal's gender says whether the French is "il" or "elle". The words
are in `lexicon`. DATA.md, next to this file, says how the sentences are drawn
and what was measured on them.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, combinations, cycle, islice

from ninelives.text.lexicon import ADJECTIVES, ANIMALS, DISHES, OF_THE_EATER, REASONS, VERBS, WISHES, Noun

VERSION = 1  # goes up when the same seed gives other sentences

ARTICLE = {"m": "le", "f": "la"}
PRONOUN = {"m": "il", "f": "elle"}
FAMILIES = {"two animals": 0.7, "did not want": 0.15, "dish": 0.15}  # and their shares in the split "train"

# For `sentences("train", n, **HINTS)`: fewer passives, and reasons that have a usual side. If voice, verb and reason
# are perfectly balanced, none of them alone is of use, and learning starts late. The measured splits stay balanced.
HINTS = {"passive": 0.3, "skew": 0.75}

# Verbs and reasons whose passive is held out for the split "bonus": five reasons of the agent, five of the patient.
BONUS = {
    ("chased", "angry"), ("helped", "strong"), ("envied", "weak"), ("defended", "brave"), ("called", "hurt"),
    ("avoided", "rude"), ("followed", "wise"), ("teased", "shy"), ("imitated", "rich"), ("carried", "tired"),
}


def _one_of(words, name: str) -> str:
    return f"(?P<{name}>{'|'.join(words)})"


_ANIMALS = [noun.english for noun in ANIMALS]
_FORM = re.compile(
    f"the {_one_of(_ANIMALS, 'first')} (?:"
    f"(?:{_one_of(VERBS, 'active')}|was {_one_of(VERBS, 'passive')} by) the {_one_of(_ANIMALS, 'second')}|"
    f"did not want to (?:eat the {_one_of([dish.english for dish in DISHES], 'dish')}|{_one_of(WISHES, 'wish')})"
    f") because it was {_one_of(ADJECTIVES, 'reason')}"
)


@dataclass(frozen=True)
class Sentence:
    """One sentence, in lower case and without a full stop."""

    english: str
    french: str
    antecedent: str  # the English noun that "it" stands for
    other: str | None  # the noun that "it" does not stand for, if there is one
    pronoun: str  # "il" or "elle"
    verb: str
    reason: str
    voice: str  # "active" or "passive"
    family: str  # a key of FAMILIES

    @property
    def antecedent_is_first(self) -> bool:
        """Whether "it" stands for the first noun of the sentence."""
        return self.english.split()[1] == self.antecedent


def sentences(split: str, n: int, seed: int = 0, *, passive: float = 0.5, skew: float = 0.5) -> list[Sentence]:
    """Draw n sentences; the same arguments always give the same ones.

    Args:
        split: "train": all three families, without what the other splits hold out.
            "held out": two animals of different gender that never meet in
            "train"; "il" and "elle", first and second noun equally often.
            "bonus": the same pairs of animals and the same balance, but verbs
            and reasons whose passive is not in "train".
        n: how many sentences.
        seed: another seed gives other sentences.
        passive: the share of passives among the training sentences with two animals.
        skew: how often, in training, a reason speaks of its usual side. At 0.5
            it speaks of agent and patient equally often. At 0.75 every other
            reason speaks of the agent three times out of four, and the others
            of the patient: a hint that makes learning start sooner.

    Raises:
        ValueError: the split is unknown.

    Example::

        from ninelives.text import sentences

        for sentence in sentences("held out", 3):
            print(sentence.english, "→", sentence.french)
    """
    if split not in ("train", "held out", "bonus"):
        raise ValueError(f'there is no split {split!r}: choose "train", "held out" or "bonus".')
    rng = random.Random(f"{VERSION}/{split}/{seed}")
    if split == "train":
        return [_draw_for_training(rng, passive, skew) for _ in range(n)]
    kinds = cycle([("il", True), ("elle", False), ("il", False), ("elle", True)])
    return [_draw_for_measuring(rng, split, *kind) for kind in islice(kinds, n)]


@cache
def held_out_pairs() -> tuple[tuple[int, int], ...]:
    """Pairs of positions in ANIMALS that never meet in training: 24 of the 144 pairs of different gender.

    Each animal is in two of them, so that none is rarer than another.
    """
    masculine = [i for i, noun in enumerate(ANIMALS) if noun.gender == "m"]
    feminine = [i for i, noun in enumerate(ANIMALS) if noun.gender == "f"]
    return tuple((m, feminine[(i + shift) % len(feminine)]) for i, m in enumerate(masculine) for shift in (1, 6))


@cache
def training_pairs() -> tuple[tuple[int, int], ...]:
    """All other pairs of positions in ANIMALS."""
    held_out = set(held_out_pairs())
    return tuple(pair for pair in combinations(range(len(ANIMALS)), 2) if pair not in held_out)


@cache
def reason_weights() -> dict[tuple[str, str, str], float]:
    """How often each (verb, side, reason) is drawn; side is "agent" or "patient".

    As even as possible while every verb and every reason speaks of agent and
    patient equally often, so that neither alone says who "it" is. Found by
    scaling the two sides of each verb and of each reason to their mean, in turn
    (iterative proportional fitting; Deming and Stephan 1940).
    """
    weights = {
        (verb, side, reason): 1.0
        for verb, entry in VERBS.items()
        for side, reasons in (("agent", entry.of_the_agent), ("patient", entry.of_the_patient))
        for reason in reasons
    }
    for _ in range(300):
        for part in (0, 2):
            sums = defaultdict(float)
            for key, weight in weights.items():
                sums[key[part], key[1]] += weight
            for key in weights:
                both = sums[key[part], "agent"] + sums[key[part], "patient"]
                weights[key] *= both / 2 / sums[key[part], key[1]]
    return weights


def parse(english: str) -> Sentence | None:
    """The sentence with this English; None if the grammar cannot make it.

    Upper case and a final full stop are ignored.
    """
    nouns = {noun.english: noun for noun in (*ANIMALS, *DISHES)}
    match = _FORM.fullmatch(english.strip().lower().removesuffix("."))
    if match is None:
        return None
    found = match.groupdict()
    first, reason = nouns[found["first"]], found["reason"]
    if found["wish"]:
        makes = reason in WISHES[found["wish"]][1]
        return did_not_want(first, found["wish"], reason) if makes else None
    second = nouns[found["dish"] or found["second"]]
    if found["dish"]:
        makes = reason in OF_THE_EATER or reason in DISHES[second]
        return did_not_want_to_eat(first, second, reason) if makes else None
    verb = found["active"] or found["passive"]
    makes = first != second and reason in VERBS[verb].of_the_agent + VERBS[verb].of_the_patient
    return two_animals(first, second, verb, reason, "active" if found["active"] else "passive") if makes else None


def is_grammatical(english: str) -> bool:
    """Whether this has the form of one of the sentences, even if the reason makes no sense."""
    return _FORM.fullmatch(english.strip().lower().removesuffix(".")) is not None


def every_word(language: str) -> list[str]:
    """All words of the sentences in "english" or "french", sorted; "qu'" is a word of its own."""
    return sorted({word for sentence in _one_of_each() for word in
                   getattr(sentence, language).replace("'", "' ").split()})


def _draw_for_training(rng: random.Random, passive: float, skew: float) -> Sentence:
    family = rng.choices(list(FAMILIES), list(FAMILIES.values()))[0]
    if family == "two animals":
        first, second = rng.sample(rng.choice(training_pairs()), 2)
        verb, _, reason, voice = _draw_what_happened(rng, "train", passive, skew)
        return two_animals(ANIMALS[first], ANIMALS[second], verb, reason, voice)
    animal = rng.choice(ANIMALS)
    if family == "did not want":
        verb = rng.choice(list(WISHES))
        return did_not_want(animal, verb, rng.choice(WISHES[verb][1]))
    dish = rng.choice(list(DISHES))
    return did_not_want_to_eat(animal, dish, rng.choice(rng.choice((list(OF_THE_EATER), DISHES[dish]))))


def _draw_for_measuring(rng: random.Random, split: str, pronoun: str, antecedent_is_first: bool) -> Sentence:
    masculine, feminine = rng.choice(held_out_pairs())
    first, second = (masculine, feminine) if (pronoun == "il") == antecedent_is_first else (feminine, masculine)
    while True:
        verb, side, reason, voice = _draw_what_happened(rng, split, 1.0 if split == "bonus" else 0.5, 0.5)
        if ((side == "agent") == (voice == "active")) == antecedent_is_first:
            return two_animals(ANIMALS[first], ANIMALS[second], verb, reason, voice)


def _draw_what_happened(rng: random.Random, split: str, passive: float, skew: float) -> tuple[str, str, str, str]:
    """(verb, side, reason, voice), from the bonus or not, as the split demands."""
    keys, running_sums = _weights_with(skew)
    while True:
        verb, side, reason = rng.choices(keys, cum_weights=running_sums)[0]
        voice = "passive" if rng.random() < passive else "active"
        if (voice == "passive" and (verb, reason) in BONUS) == (split == "bonus"):
            return verb, side, reason, voice


@cache
def _weights_with(skew: float) -> tuple[list[tuple[str, str, str]], list[float]]:
    """The keys of `reason_weights` and the running sums of their weights, skewed."""
    usual = {reason: ("agent", "patient")[i % 2] for i, reason in enumerate(REASONS)}
    skewed = {
        (verb, side, reason): weight * (skew if side == usual[reason] else 1 - skew)
        for (verb, side, reason), weight in reason_weights().items()
    }
    return list(skewed), list(accumulate(skewed.values()))


def two_animals(first: Noun, second: Noun, verb: str, reason: str, voice: str) -> Sentence:
    """The first animal followed the second, or was followed by it, because it was lost."""
    of_the_agent = reason in VERBS[verb].of_the_agent
    antecedent, other = (first, second) if of_the_agent == (voice == "active") else (second, first)
    participle = VERBS[verb].participle
    if voice == "active":
        english, french = verb, f"a {participle}"
    else:
        agreed = participle + ("e" if first.gender == "f" else "")
        english, french = f"was {verb} by", f"a été {agreed} par"
    return _with_reason(
        f"the {first.english} {english} the {second.english}",
        f"{_the(first)} {french} {_the(second)}",
        antecedent, other.english, verb, reason, voice, "two animals",
    )


def did_not_want(animal: Noun, verb: str, reason: str) -> Sentence:
    """The animal did not want to eat because it was full."""
    return _with_reason(
        f"the {animal.english} did not want to {verb}",
        f"{_the(animal)} ne voulait pas {WISHES[verb][0]}",
        animal, None, verb, reason, "active", "did not want",
    )


def did_not_want_to_eat(animal: Noun, dish: Noun, reason: str) -> Sentence:
    """The animal did not want to eat the fish because it was rotten, or because it was full."""
    antecedent, other = (animal, dish) if reason in OF_THE_EATER else (dish, animal)
    return _with_reason(
        f"the {animal.english} did not want to eat the {dish.english}",
        f"{_the(animal)} ne voulait pas manger {_the(dish)}",
        antecedent, other.english, "eat", reason, "active", "dish",
    )


def _with_reason(english: str, french: str, antecedent: Noun, other: str | None, verb, reason, voice, family):
    adjective = ADJECTIVES[reason]
    agreed = adjective.masculine if antecedent.gender == "m" else adjective.feminine
    pronoun = PRONOUN[antecedent.gender]
    return Sentence(
        f"{english} because it was {reason}",
        f"{french} parce qu'{pronoun} était {agreed}",
        antecedent.english, other, pronoun, verb, reason, voice, family,
    )


def _the(noun: Noun) -> str:
    return f"{ARTICLE[noun.gender]} {noun.french}"


def _one_of_each() -> Iterator[Sentence]:
    """Sentences that together use every entry of the lexicon, in both genders and voices."""
    for animal in ANIMALS:
        for verb, (_, reasons) in WISHES.items():
            yield from (did_not_want(animal, verb, reason) for reason in reasons)
        for dish, reasons in DISHES.items():
            yield from (did_not_want_to_eat(animal, dish, reason) for reason in (*OF_THE_EATER, *reasons))
    cat, cow = (next(noun for noun in ANIMALS if noun.english == name) for name in ("cat", "cow"))
    for verb, entry in VERBS.items():
        for reason in entry.of_the_agent + entry.of_the_patient:
            for voice in ("active", "passive"):
                yield two_animals(cat, cow, verb, reason, voice)
                yield two_animals(cow, cat, verb, reason, voice)
