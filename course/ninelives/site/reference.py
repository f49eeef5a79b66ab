"""The package's reference, from its docstrings, which are Markdown: one page for each of its parts."""

import importlib
import inspect
import pkgutil
import re
from types import ModuleType

from sphinx.util.inspect import stringify_signature

PARTS = ("config", "model", "text", "weights", "training", "recipes", "figures", "widgets", "use_mine")
# Tokens such as <pad> stand in docstrings as they are.
PLAIN = "---\nmyst:\n  disable_syntax: [html_block, html_inline]\n---\n"
SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):[ \t]*(.*)$")
ENTRY = re.compile(r"^(\*{0,2}[\w.]+(?:, [\w.]+)*): (.*)$")


def reference() -> dict[str, str]:
    """Pages in MyST Markdown by their names: that of the model is "model"."""
    return {part: _page(importlib.import_module(f"ninelives.{part}")) for part in PARTS}


def _page(module: ModuleType) -> str:
    lines = [PLAIN, f"# ninelives.{module.__name__.partition('.')[2]}", "", markdown(inspect.getdoc(module) or ""), ""]
    for item in _public(module):
        lines += [_described(*item), ""]
    if module.__name__ == "ninelives.recipes":
        for found in pkgutil.iter_modules(module.__path__, f"{module.__name__}."):
            part = importlib.import_module(found.name)
            if not found.ispkg:
                lines += [f"## {found.name.removeprefix('ninelives.')}", "", markdown(inspect.getdoc(part) or ""), ""]
    return "\n".join(lines)


def _public(module: ModuleType) -> list[tuple[str, object, str]]:
    """The functions and classes of a module: name, object and the module as which it is imported."""
    names = getattr(module, "__all__", None)
    own = [name for name, item in vars(module).items()
           if not name.startswith("_") and getattr(item, "__module__", "") == module.__name__]
    return [(name, getattr(module, name), module.__name__) for name in names or own if callable(getattr(module, name))]


def _described(name: str, item: object, module: str) -> str:
    kind = "class" if inspect.isclass(item) else "function"
    inside = markdown(inspect.getdoc(item) or "")
    if inspect.isclass(item):
        for method, function in vars(item).items():
            if inspect.isfunction(function) and not method.startswith("_") and function.__doc__:
                inside += "\n\n" + _directive("method", f"{method}{_signature(function, method=True)}", markdown(inspect.getdoc(function)), 4)
    return _directive(kind, f"{module}.{name}{_signature(item)}", inside, 5)


def _directive(kind: str, signature: str, inside: str, colons: int) -> str:
    fence = ":" * colons
    return f"{fence}{{py:{kind}}} {signature}\n\n{inside}\n{fence}"


def _signature(item: object, method: bool = False) -> str:
    try:
        signature = inspect.signature(item)
    except (ValueError, TypeError):
        return "()"
    if method:
        signature = signature.replace(parameters=[*signature.parameters.values()][1:])
    return re.sub(r"<(?:function|class|object) [^>]*>", "…", stringify_signature(signature, unqualified_typehints=True))


def markdown(docstring: str) -> str:
    """A docstring with its sections as lists: "Args:" and the indented lines below it."""
    lines, section = [], False
    for line in docstring.splitlines():
        head = SECTION.match(line)
        if head:
            section = True
            lines += ["", f"**{head[1]}**", "", *([head[2]] if head[2] else [])]
        elif section and line.startswith("    "):
            entry = ENTRY.match(line[4:])
            if entry:
                lines.append(f"- `{entry[1]}`: {entry[2]}")
            else:
                lines.append(f"  {line.strip()}" if lines[-1].startswith(("- ", "  ")) else line.strip())
        elif section and line.strip():
            section = False
            lines += ["", line]
        else:
            lines.append(line)
    return "\n".join(lines)
