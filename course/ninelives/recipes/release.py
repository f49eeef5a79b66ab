"""Turn a trained model into weights of the course, with a card of what was measured."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict

from torch import nn

from ninelives import weights
from ninelives.text import Tokenizer
from ninelives.text.grammar import VERSION
from ninelives.training.recipe import Run


def release(
    name: str, model: nn.Module, tokenizer: Tokenizer, run: Run, measure: Callable[[nn.Module], dict], about: str,
    data: str | None = None,
) -> None:
    """Write the model into `ninelives/weights`, rounded to float16, with its two cards.

    Args:
        measure: returns figures by their names. It is called once with the model as
            it was trained, in float32, and once with the rounded weights, so that the
            card shows the cost of rounding.
        about: what the model is, how it was trained and what it cannot do, in Markdown.
        data: what it was trained on, in Markdown; by default the cat's sentences.
    """
    shipped = deepcopy(model).half().float()
    figures = {"float32": measure(model), "float16": measure(shipped)}
    facts = {
        "command": f"python -m ninelives.recipes.{name}",
        **({"grammar_version": VERSION} if data is None else {"data": data}),
        "recipe": asdict(run.recipe),
        "figures": figures,
    }
    card = weights.save(name, model, tokenizer, facts)
    (weights.FOLDER / f"{name}.md").write_text(page(card, about), encoding="utf-8")
    for what, value in figures["float16"].items():
        print(f"{what}: {value}")


def page(card: dict, about: str) -> str:
    """The card as Markdown."""
    sizes = "; ".join(", ".join(f"{name} {value}" for name, value in config.items()) for config in card["configs"])
    rows = [
        f"| {what} | {written(before)} | {written(card['figures']['float16'][what])} |"
        for what, before in card["figures"]["float32"].items()
    ]
    recipe = ", ".join(f"{name} {value}" for name, value in card["recipe"].items())
    data = card.get("data") or f"the cat's sentences, version {card['grammar_version']} (`ninelives/text/DATA.md`)."
    return "\n".join([
        f"# Model card: {card['name']}",
        "",
        about.strip(),
        "",
        "| measured | as trained, float32 | as shipped, float16 |",
        "|---|---|---|",
        *rows,
        "",
        f"- **Made by** `{card['command']}`. On the same machine and version the command gives the same bytes. Another",
        "  processor rounds differently, and training amplifies that: expect figures that differ by up to about one in a "
        "hundred.",
        f"- **Model** {card['model']}: {sizes}. {card['parameters']:,} parameters, {card['bytes']:,} bytes.",
        f"- **Data** {data}",
        f"- **Recipe** {recipe}; the model's first weights were drawn with the same seed.",
        f"- **SHA256** `{card['sha256']}`, checked whenever the weights are loaded.",
        "",
    ])


def written(figure: float | list[float]) -> str:
    """0.5, or 0.5 · 0.25 for a list."""
    return " · ".join(map(str, figure if isinstance(figure, list) else [figure]))
