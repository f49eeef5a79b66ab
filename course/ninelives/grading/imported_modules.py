"""Which modules a notebook imports: read from its cells as they were released, so that they are imported once for all."""

import ast

from ninelives.grading.assignment import Notebook


def imported_modules(notebook: Notebook) -> tuple[str, ...]:
    """What the plain cells and the checks import, in their order: "package.module", or "package.module:name".

    What answers import is left out: a learner who forgot an import must not find the module there. The part after the
    colon may be a module too: only importing the first part can tell.
    """
    found: dict[str, None] = {}
    for cell in notebook.cells:
        if cell.kind != "code" or cell.is_answer:
            continue
        try:
            tree = ast.parse(_without_magics(cell.source))
        except (SyntaxError, ValueError):
            continue  # the notebook's own kernels will say so
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= dict.fromkeys(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= dict.fromkeys(f"{node.module}:{alias.name}" for alias in node.names)
    return tuple(found)


def _without_magics(source: str) -> str:
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.split("\n"))
