"""What a mask lab says. The browser says the same of the learner's mask; see in_words.js."""

import numpy as np

from ninelives.figures import read_row
from ninelives.widgets import yours
from ninelives.widgets.mask_lab.sentences import labels, longest

NAME, SHOWN, SHOWN_IN_WORDS = "get_attention_mask", "what is shown", "what is shown in the rows of words"


def settings(lab) -> str:
    """The kind of the masks and the lengths."""
    said = f"{'Causal masks' if lab.causal else 'Encoder masks'}, lengths {_listed(lab.lengths)} of {longest(lab.words)}"
    if lab.prefix:
        said += f", prefixes {_listed(lab.prefix_lengths)} of {longest(lab.prefix)}"
    return said + (", rows of padding closed too" if lab.rows_too else "")


def chosen_row(lab, masks: np.ndarray) -> str:
    """Whom the chosen row of `masks` (B, N, N) may attend to, and with which weights it does."""
    mask, words = masks[lab.sentence, lab.token], labels(lab, lab.sentence)
    name = f"{words[lab.token]} (position {lab.token} of sentence {lab.sentence + 1})"
    if not mask.any():
        return f"{name} may attend to nothing, so its softmax is 0 ÷ 0, NaN."
    seen = ", ".join(word for word, may in zip(words, mask, strict=True) if may)
    scores = np.where(mask, lab.scores[lab.token], -np.inf)
    weights = np.exp(scores - scores.max())
    return f"{name} may attend to {seen}: {read_row(weights / weights.sum(), words, lab.token)}."


def compared(lab) -> str:
    """Whether the learner's masks are those shown. Rows of padding that the lab has closed are not compared."""
    name = lab.yours.get("name", NAME)
    if "masks" not in lab.yours:
        return yours.stands_in(name, lab.yours.get("error", ""))
    shown = SHOWN_IN_WORDS if lab.rows_too else SHOWN
    count = _differing(lab, lab.causal)
    if not count:
        return yours.agrees(name, shown)
    how = f"in {count} {'cell' if count == 1 else 'cells'}"
    if "causal" not in lab.yours and not _differing(lab, not lab.causal):
        how += ": yours is an encoder's" if lab.causal else ": yours is causal"
    return yours.differs(name, shown, how)


def _differing(lab, causal: bool) -> int:
    """In how many cells the learner's masks differ from those of this kind."""
    P, T = longest(lab.prefix), longest(lab.words)
    theirs = np.array([[int(cell) for cell in one] for one in lab.yours["masks"]])
    first = P if theirs.shape[1] == T * T else 0  # of the positions that it is about
    theirs = theirs.reshape(-1, P + T - first, P + T - first)  # (B, N, N)
    differ = theirs != lab.masks(causal)[:, first:, first:]  # (B, N, N)
    if lab.rows_too:
        rows = np.arange(first, P + T)
        before = rows >= P - np.array(lab.prefix_lengths or [0] * len(lab.words))[:, None]  # (B, N)
        differ &= (before & (rows - P < np.array(lab.lengths)[:, None]))[:, :, None]  # rows of words
    return int(differ.sum())


def spread_of_nan(lab) -> str:
    """How far the empty rows of the chosen sentence spread, layer by layer; nothing where no row is empty."""
    length, words = lab.lengths[lab.sentence], lab.words[lab.sentence]
    if not lab.rows_too or lab.prefix or length == longest(lab.words):
        return ""
    return (f"After one layer the padding of sentence {lab.sentence + 1} is NaN. In the second, every word reads it with weight 0, and "
            f"0 · NaN is NaN: then {', '.join(words[:length])} {'is' if length == 1 else 'are'} NaN too. So it is right to leave the rows of padding open.")


def _listed(lengths: list[int]) -> str:
    return ", ".join(map(str, lengths))
