"""Where the course is published, in every file that says so: `python docs/address.py OWNER/NAME`.

`Repository` in pyproject.toml is the address; the others are derived from it. Without an argument the script prints them.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]


def addresses(repository: str) -> dict[str, str]:
    """The addresses of a repository on GitHub, "OWNER/NAME": of itself, of its site, of Binder and of Colab."""
    owner, name = repository.split("/")
    site = f"https://{owner.lower()}.github.io/"
    return {
        "repository": f"https://github.com/{repository}",
        "site": site if name.lower() == f"{owner.lower()}.github.io" else f"{site}{name}/",
        "binder": f"https://mybinder.org/v2/gh/{repository}/",
        "colab": f"https://colab.research.google.com/github/{repository}/",
    }


def main() -> None:
    now = addresses(REPOSITORY.removeprefix("https://github.com/"))
    if len(sys.argv) == 1:
        print("\n".join(now.values()))
        return
    [wanted] = sys.argv[1:]
    if not re.fullmatch(r"[\w-]+/[\w.-]+", wanted):
        sys.exit(f"{wanted!r} is not the name of a repository on GitHub: write OWNER/NAME.")
    new = addresses(wanted)
    said = subprocess.run(["git", "grep", "-lIFe", now["repository"], "-e", now["site"], "-e", now["binder"], "-e", now["colab"]],
                          cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in map(ROOT.joinpath, said.splitlines()):
        text = path.read_text(encoding="utf-8")
        for kind, address in now.items():
            text = text.replace(address, new[kind])
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
