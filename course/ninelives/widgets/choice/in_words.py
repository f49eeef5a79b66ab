"""What a question says. The browser says the same of `verdict`; see in_words.js."""


def described(choice) -> str:
    """The question, its options, and what was chosen; the answer only when it was chosen."""
    options = "; ".join(f"({number}) {option}" for number, option in enumerate(choice.options, start=1))
    said = f"{choice.question} The options: {options}."
    if choice.chosen is None:
        return plain(f"{said} Nothing is chosen yet.")
    return plain(f"{said} Chosen: ({choice.chosen + 1}). {verdict(choice)} {choice.explanations[choice.chosen]}")


def verdict(choice) -> str:
    """Whether the chosen option is right."""
    if choice.chosen is None:
        return ""
    return "Right." if choice.chosen == choice.answer else "Not this one."


def plain(text: str) -> str:
    """Without the backticks around code."""
    return text.replace("`", "")
