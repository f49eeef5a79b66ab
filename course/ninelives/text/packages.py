"""Texts and weights that come in Python packages, for the labs."""

import sys
from importlib.util import find_spec
from pathlib import Path


class NotInstalled(ImportError):
    """A package that a lab reads is not installed."""


def folder_of(package: str, use: str = "reads its text from", install: tuple[str, ...] = ('-e ".[labs]"',)) -> Path:
    """The folder of an installed package. Its files are read; none of its code is run.

    Args:
        package: the name by which Python imports it.
        use: what the lab does with it, a verb and what follows, up to "the package".
        install: what to write after `pip install -c constraints.txt`, a command each.

    Raises:
        NotInstalled: the message says how to install it.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        commands = "\n".join(f"    {sys.executable} -m pip install -c constraints.txt {each}" for each in install)
        raise NotInstalled(
            f"This lab {use} the package {package}, which is not installed. In the folder of the "
            f"course, run\n\n{commands}\n\nand restart the kernel."
        )
    return Path(next(iter(spec.submodule_search_locations)))
