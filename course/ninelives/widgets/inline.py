"""One text of JavaScript out of ES modules, without a bundler.

A browser loads a widget's code from a blob, where relative imports cannot be resolved. So the modules that a module
imports are put before it, each once, and the words `import` and `export` are taken out. All of them then share one
scope: a name may be declared in one module only.
"""

import re
from pathlib import Path

IMPORT = re.compile(r'^import \{[^}]*\} from "(\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
TYPES = re.compile(r"^/\*\* @import \{[^}]*\} from .*\*/\n", re.MULTILINE)  # for the type checker
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class)\b)", re.MULTILINE)


def modules(path: Path) -> list[Path]:
    """The module and all that it imports, in the order in which they can run."""
    found: list[Path] = []

    def visit(path: Path) -> None:
        if path in found:
            return
        for name in IMPORT.findall(path.read_text("utf-8")):
            visit((path.parent / name).resolve())
        found.append(path)

    visit(path.resolve())
    return found


def inlined(path: Path) -> str:
    """The module and all that it imports, as one text that imports nothing."""
    code = "\n".join(module.read_text("utf-8") for module in modules(path))
    for words in (IMPORT, TYPES, EXPORT):
        code = words.sub("", code)
    return code
