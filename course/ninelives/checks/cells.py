"""What the cells of the running notebook say about an answer: is it the one that the learner sees?"""

import ast
import linecache
import os
import re
from typing import Any

from IPython import get_ipython

from ninelives.checks.failure import CheckFailed
from ninelives.checks.source import functions_of


def want_the_newest(answer: Any) -> None:
    """Refuse an answer that an older cell made, if the cell that defines it now stopped with an error.

    Python then still has the older function or class, and a check would speak of that one. Nothing is
    refused outside of a notebook, and during grading.

    Raises:
        CheckFailed: with the error that stopped the cell, if it is one of syntax.
    """
    shell = get_ipython()
    name = getattr(answer, "__name__", "")
    if shell is None or "NBGRADER_EXECUTION" in os.environ or not name.isidentifier():
        return
    cells = [cell.rstrip("\n") for cell in shell.user_ns.get("In", [])]
    newest = next((cell for cell in reversed(cells) if re.search(rf"^(def|class) {name}\b", cell, re.MULTILINE)), None)
    made_by = {"".join(linecache.getlines(each.__code__.co_filename)).rstrip("\n") for each in functions_of(answer)}
    # What was made in some other way, by use_mine for instance, is not compared.
    if newest is None or newest in made_by or not made_by & set(cells):
        return
    raise CheckFailed(
        f"the cell that defines {name} stopped {_with_an_error_in(newest)}, so Python still has your older {name}.",
        f"a cell with {name} that runs without an error.",
        "fix the error that stands below that cell, run it again, then this check.",
    )


def _with_an_error_in(cell: str) -> str:
    try:
        ast.parse(cell)
    except SyntaxError as error:
        return f"with a SyntaxError ({error.msg}, line {error.lineno} of the cell)"
    return "with an error"
