"""What a head lab says. The browser says the same; see in_words.js."""

from ninelives.widgets.arguments import truncated

MOST_NAMED = 3
UNKNOWN_FORM = "This is not a sentence of the grammar from which the translator learned, so it has seen nothing like it, and guesses."
UNCHECKED_FORM = "The translator has learned from sentences of one small grammar alone, and this page does not check whether yours is one of them."


def reading(lab) -> str:
    """The translation, what is changed, and what becomes of it."""
    if lab.error:
        return f"“{truncated(lab.answered)}” is not translated: {lab.error}"
    one, other = lab.pair
    whole, now = lab.answers[""], lab.answers.get(key(lab))
    said = f"“{lab.answered}” becomes “{whole['text']}”."
    if whole["difference"] is None:
        said += f" It has neither “{one}” nor “{other}”, so there is no choice to measure."
    else:
        said += f" log p({one}) − log p({other}) is {signed(whole['difference'])}."
    changes = changes_in_words(lab)
    if not changes:
        return said
    if now is None:
        return f"{said} With {changes}: not computed."
    becomes = "the translation stays the same" if now["text"] == whole["text"] else f"it becomes “{now['text']}”"
    said += f" With {changes}, {becomes}"
    return f"{said}." if now["difference"] is None else f"{said}, and the difference is {signed(now['difference'])}."


def changes_in_words(lab) -> str:
    """What is hidden, taken out and patched in; empty for nothing."""
    hidden = [lab.words[k] for k in sorted(lab.hidden)]
    out, patched = ([head_name(lab, k) for k in sorted(heads)] for heads in (lab.out, lab.patched))
    parts = [f"{listed(hidden)} hidden"] if hidden else []
    parts += [f"{listed(out)} taken out"] if out else []
    parts += [f"{listed(patched)} patched in"] if patched else []
    return ", ".join(parts)


def strongest(lab) -> str:
    """Which words and heads the difference depends on most, and what is attended to instead."""
    if not lab.of_words:
        return ""
    words, heads = lab.words, [head_name(lab, k) for k in range(len(lab.of_heads["out"]))]
    attended = ", ".join(f"{words[k]} {lab.of_words['attention'][k]:.2f}" for k in largest(lab.of_words["attention"]))
    said = (
        f"The difference depends most on the words {most(lab.of_words['occlusion'], words)} (lost when each is hidden); gradient × "
        f"input names {most(lab.of_words['gradient'], words)}; on average the decoder's heads attend most to {attended}. "
        f"Taken out alone, the heads that change it most are {most(lab.of_heads['out'], heads)}."
    )
    if "patched" in lab.of_heads:
        said += f" Patched in alone from “{lab.other}”: {most(lab.of_heads['patched'], heads)}."
    return said


def most(numbers: list[float], names: list[str]) -> str:
    """The names with the largest numbers, whatever their sign."""
    return ", ".join(f"{names[k]} {signed(numbers[k])}" for k in largest(numbers))


def largest(numbers: list[float]) -> list[int]:
    return sorted(range(len(numbers)), key=lambda k: -abs(numbers[k]))[:MOST_NAMED]


def head_name(lab, k: int) -> str:
    """Of a head counted through all layers."""
    for layer, n_head in lab.layers:
        if k < n_head:
            return f"{layer} head {k}"
        k -= n_head
    return ""


def key(lab) -> str:
    """By which the present changes are found among the answers; empty for none."""
    parts = [",".join(map(str, sorted(chosen))) for chosen in (lab.hidden, lab.out, lab.patched)]
    return "|".join(parts) if any(parts) else ""


def listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def signed(x: float) -> str:
    """One decimal, with a true minus and no minus zero."""
    return f"{x:.1f}".replace("-0.0", "0.0").replace("-", "−")
