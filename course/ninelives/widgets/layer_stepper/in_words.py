"""What a stepper says. The browser says the same; see in_words.js."""

from ninelives.widgets.layer_stepper.way import Way

CLOSE = 1e-3  # part of the largest number; the sums of a block may be off by this much


def reading(stepper) -> str:
    """What the present station does to the vector of the chosen token."""
    s, L, name = stepper.station, stepper.sizes["blocks"], f"“{stepper.words[stepper.token]}”"

    def norm(kind: str, row: int) -> str:
        return two(stepper.lengths[kind][row][stepper.token])

    if s == 0:
        return f"The embedding of {name} is a vector of {stepper.sizes['channels']} numbers and of norm {norm('stream', 0)}."
    if s <= L:
        after = f"After {stepper.stations[s]} the vector of {name} has norm {norm('stream', s)}"
        if not stepper.sizes["parts"]:
            return f"{after}; before it was {norm('stream', s - 1)}."
        return f"{after}. Attention added a vector of norm {norm('attention', s - 1)}, the mlp one of {norm('mlp', s - 1)}."
    if s == L + 1:
        return f"The final norm brings the vector of {name} from norm {norm('stream', L)} to {norm('normed', 0)}."
    if s == L + 2:
        low, high = stepper.ends[stepper.token]
        return f"lm_head gives {name} a score for each of {stepper.sizes['vocabulary']} words, from {two(low)} to {two(high)}."
    return f"The softmax makes probabilities of the scores of {name}: none is negative, and together they are 1."


def heading(stepper) -> str:
    """What the list of words is at the present station."""
    after_blocks = stepper.station - stepper.sizes["blocks"]
    if after_blocks <= 0:
        return "If the model stopped here, the likely next words would be:"
    return ("What lm_head will make of it:", "The highest scores:", "The most likely next words:")[after_blocks - 1]


def likely_words(stepper) -> list[tuple[str, float]]:
    """The words of that list, with their probabilities or scores."""
    s, L = stepper.station, stepper.sizes["blocks"]
    row = L + 1 if s == L + 2 else min(s, L)
    return [(word, value) for word, value in stepper.likely[row][stepper.token]]


def note_on(way: Way) -> str:
    """Whether the blocks only add."""
    if not len(way.stream) > 1:
        return ""
    if not len(way.attention):
        return "The blocks have no parts called attention and mlp, so only what comes in and goes out is shown."
    off = (way.stream[:-1] + way.attention + way.mlp - way.stream[1:]).abs().amax((1, 2))  # (L,)
    if (off <= CLOSE * way.stream.abs().max()).all():
        return "In every block: the vector before + what attention adds + what the mlp adds = the vector after."
    return f"In block {int(off.argmax()) + 1} the sums do not come out, by up to {two(float(off.max()))}: it does something else than add."


def stands_in(why: Exception) -> str:
    """What is said where another model is shown; `why` as `way_through` says it."""
    return f"The package's Transformer is shown: {why}"


def two(x: float) -> str:
    """Two decimals, with a true minus and no minus zero."""
    text = f"{x:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")
