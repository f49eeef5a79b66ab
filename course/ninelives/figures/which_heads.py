"""Which layers and heads of a model are shown, by which numbers, and what they are called."""

import operator
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


class Chosen(NamedTuple):
    """Some of the layers, or heads, that were given: their `positions` there, their `numbers` in the model, and all `known` numbers."""

    positions: list[int]
    numbers: list[int]
    known: Sequence[int]


def chosen(wanted: Sequence[int] | None, count: int, name: str) -> Chosen:
    """Those of `count` that are wanted. Just as many with a number that is too large to choose one are the true numbers of all."""
    numbers = _whole_numbers(wanted, name)
    if numbers and len(numbers) == count and max(numbers) >= count and min(numbers) >= 0:
        return Chosen(list(range(count)), numbers, numbers)
    numbers = existing(wanted, count, name)
    return Chosen(numbers, numbers, range(count))


def existing(wanted: Sequence[int] | None, count: int, name: str) -> list[int]:
    """The numbers of `count` layers or heads that are wanted, by default all; ValueError for one that does not exist."""
    numbers = list(range(count)) if wanted is None else _whole_numbers(wanted, name)
    for number in numbers:
        if not 0 <= number < count:
            raise ValueError(f"{name} names {number}, but there {_there(range(count), name)}.")
    if not numbers:
        raise ValueError(f"{name} is empty; name at least one of the {count} {name}, counted from 0 to {count - 1}.")
    return numbers


def are_all(numbers: Sequence[int], count: int) -> bool:
    """Whether the numbers are those of all `count` heads."""
    return sorted(numbers) == list(range(count))


def refuse_unclear_names(names: Mapping[tuple, str], parts: Collection[str]) -> None:
    """Raise ValueError unless each key of `names` is (layer, head) of the only part, or (part, layer, head)."""
    for key in names:
        *part, layer, head = key if isinstance(key, tuple) and len(key) in (2, 3) else (None, None, None)
        if not isinstance(layer, int) or not isinstance(head, int) or part and part[0] not in parts:
            raise ValueError(f"names has the key {key!r}; a head is (layer, head), or (part, layer, head) of {', '.join(parts)}.")
        if not part and len(parts) > 1:
            raise ValueError(f"names has the key {key!r}, but there are several parts; write {(next(iter(parts)), *key)!r} or another part.")


def names_in(part: str, names: Mapping[tuple, str] | None, layers: Sequence[int], heads: Sequence[int]) -> dict[tuple[int, int], str]:
    """The names of the heads of a part, by (layer, head); ValueError for a layer or head whose number is not among those that there are."""
    mine = {key[-2:]: name for key, name in (names or {}).items() if len(key) == 2 or key[0] == part}
    for key in mine:
        for number, there, what in zip(key, (layers, heads), ("layers", "heads"), strict=True):
            if number not in there:
                raise ValueError(f"names has the key {key}, but there {_there(there, what)}.")
    return mine


def _whole_numbers(wanted, name: str) -> list[int]:
    """Different whole numbers."""
    try:
        numbers = [] if wanted is None else [operator.index(number) for number in wanted]
    except TypeError:
        raise ValueError(f"{name} is {wanted!r}; pass a list of whole numbers, such as {name}=[2].") from None
    for number in numbers:
        if numbers.count(number) > 1:
            raise ValueError(f"{name} names {number} more than once; name each once.")
    return numbers


def _there(numbers: Sequence[int], name: str) -> str:
    if len(numbers) == 1:
        return f"is 1 {name[:-1]}, number {numbers[0]}"
    if list(numbers) == list(range(len(numbers))):
        return f"are {len(numbers)} {name}, counted from 0 to {len(numbers) - 1}"
    return f"are {len(numbers)} {name}, with the numbers {', '.join(map(str, numbers))}"
