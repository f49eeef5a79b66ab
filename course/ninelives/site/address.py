"""Where the course is published: what pyproject.toml says, and the addresses that are derived from it."""

import tomllib

from ninelives.build import ROOT

REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
OWNER, NAME = REPOSITORY.removeprefix("https://github.com/").split("/")
SITE = f"https://{OWNER.lower()}.github.io/{NAME}/"


def binder(file: str) -> str:
    """Where a notebook of the repository, such as "release/labs/causes.ipynb", runs in JupyterLab without installing anything."""
    return f"https://mybinder.org/v2/gh/{OWNER}/{NAME}/HEAD?urlpath=lab/tree/{file}"


def colab(file: str) -> str:
    """Where a notebook of the site, such as "labs/causes.ipynb", opens in Colab; its first cell installs the course."""
    return f"https://colab.research.google.com/github/{OWNER}/{NAME}/blob/gh-pages/{file}"
