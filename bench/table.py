"""Writes a script's figures into bench/README.md, between its own two marks. Not a bench itself."""

import os
import platform
import re
from pathlib import Path

import torch

README = Path(__file__).with_name("README.md")


def publish(name: str, text: str) -> None:
    """Replace the section `name` of bench/README.md, or add it; the other sections stay as they are."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = f"{begin}\n{text.strip()}\n{end}"
    old = README.read_text(encoding="utf-8") if README.exists() else "# Measured\n"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    new = pattern.sub(lambda _: section, old) if pattern.search(old) else f"{old.rstrip()}\n\n{section}\n"
    README.write_text(new, encoding="utf-8")


def as_table(header: list[str], rows: list[list]) -> str:
    """Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def machine() -> str:
    """The machine on which it was measured."""
    return f"{os.cpu_count()} cores ({platform.machine()}), {torch.get_num_threads()} threads, torch {torch.__version__}"
