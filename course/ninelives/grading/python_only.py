"""Learners' code runs in Python, whatever kernel a notebook names: notebooks in another language are refused."""

import json
from pathlib import Path
from typing import Any

from ninelives.grading.assignment import Notebook
from ninelives.grading.errors import CannotStart, NotPython

PYTHON = ("", "python", "python2", "python3")  # names of kernels that need no kernelspec


def refuse_other_languages(notebooks: tuple[Notebook, ...], asked: str = "") -> None:
    """Raises CannotStart if a notebook is not in Python, or its kernel is unknown. `asked` is a kernel for all of them."""
    for notebook in notebooks:
        language = _language(notebook.metadata, asked)
        if language is None:
            raise CannotStart(f"The notebook {notebook.name} asks for the kernel {asked or _name(notebook.metadata)!r}, "
                              "which is not here: install it, or choose a kernel for Python in the notebook")
        if language.lower() not in ("python", "ipython"):
            raise CannotStart(f"The notebook {notebook.name} is in {language}, and ninelives-grade runs Python only: grade "
                              "it with nbgrader autograde, which runs learners' code with all your permissions")


def refuse_other_language(path: Path, notebook: Notebook) -> None:
    """Raises NotPython if the instructor's notebook names no kernel, and the submitted one asks for another language."""
    if _name(notebook.metadata) or not path.is_file() or path.is_symlink():
        return
    try:
        metadata = json.loads(path.read_bytes())["metadata"]
        language = _language(metadata, "")
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return  # what cannot be read is said elsewhere
    if language is None or language.lower() not in ("python", "ipython"):
        raise NotPython(f"{path.name} asks for the kernel {_name(metadata)!r}, and learners' code runs in Python only")


def _language(metadata: dict[str, Any], asked: str) -> str | None:
    """The language of a notebook's kernel; None if there is no such kernel and the notebook does not say."""
    name = asked or _name(metadata)
    if name.lower() in PYTHON:
        return "python"
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel  # takes long, and few notebooks come to this

    try:
        return KernelSpecManager().get_kernel_spec(name).language
    except (NoSuchKernel, ValueError):
        said = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name")
        return None if asked or said == name else said


def _name(metadata: dict[str, Any]) -> str:
    return str(metadata.get("kernelspec", {}).get("name") or "")
