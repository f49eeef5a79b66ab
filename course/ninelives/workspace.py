"""A learner's own folder: `ninelives`, or `make lab` in a clone of the repository.

Copies the released notebooks that are missing into my-notebooks/, writes the start page there, and opens JupyterLab
with it. Where the course was installed from a wheel, the folder is in the learner's home, and the notebooks come from
the wheel. A file that is already in my-notebooks/ is a learner's work and is never touched, but for a start page
that the course wrote itself. To start a notebook again, rename it.
"""

import argparse
import json
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from ninelives.progress import PAGE, write_start_page

ROOT = Path(__file__).resolve().parents[2]
RELEASED = Path(__file__).with_name("released")  # in a wheel: see setup.py
FOLDER = "my-notebooks"
# As build.py writes it, since solutions and releases must be the same on every machine.
RELEASED_LANGUAGE = b'"language_info": {\n   "name": "python"\n  }'
# Opens Markdown files as pages. Switches off JupyterLab's question about news, and the parts of nbgrader for instructors.
CONFIG = Path(__file__).with_name("jupyter_config")


def copy_missing(release: Path, workspace: Path) -> tuple[list[Path], list[Path]]:
    """Copy each file of `release` that is missing in `workspace`.

    Returns the relative paths (copied, kept). A copy gets its name only when it is complete, so an
    interrupted run leaves no half notebook.

    Raises FileNotFoundError if there is no release folder.
    """
    files = sorted(path for path in release.rglob("*") if path.is_file() and ".ipynb_checkpoints" not in path.parts)
    if not files:
        raise FileNotFoundError(f"There are no released notebooks in {release}; "
                                "run this from a clone of the repository, installed with pip install -e .")
    copied, kept = [], []
    for source in files:
        name = source.relative_to(release)
        target = workspace / name
        if os.path.lexists(target):
            kept.append(name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        shutil.copyfile(source, partial)
        if source.suffix == ".ipynb":
            partial.write_bytes(with_language(partial.read_bytes()))
        partial.rename(target)
        copied.append(name)
    return copied, kept


def with_language(notebook: bytes) -> bytes:
    """A released notebook with what its kernel will say of this Python.

    JupyterLab would write that into it as soon as the kernel has started, and so call a notebook changed in which nobody
    has typed.
    """
    from ipykernel.ipkernel import IPythonKernel  # takes half a second, and is needed only where something is copied

    language = json.dumps(IPythonKernel.language_info, indent=1, sort_keys=True).replace("\n", "\n  ")
    return notebook.replace(RELEASED_LANGUAGE, f'"language_info": {language}'.encode())


def lab_arguments(workspace: Path, page: str = "") -> list[str]:
    """The arguments that open JupyterLab in `workspace`, with a page of it, and keep it from using the network."""
    arguments = [
        f"--ServerApp.root_dir={workspace}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--ServerApp.jpserver_extensions=nbgrader.server_extensions.formgrader=False",
    ]
    if page:
        arguments.append(f"--LabApp.default_url=/lab/tree/{page}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & os.environ.keys():
        arguments.append("--no-browser")  # a text browser would take over the terminal
    return arguments


def main(root: Path | None = None) -> None:
    installed = root is None and RELEASED.is_dir()
    release, home = (RELEASED, Path.home()) if installed else ((root or ROOT) / "release", root or ROOT)
    parser = argparse.ArgumentParser(
        prog="ninelives",
        description=f"Copy what is missing into {FOLDER}/ and open JupyterLab there.",
        epilog="Any other argument goes to JupyterLab: --port=9999, for instance.",
    )
    parser.add_argument("--copy-only", action="store_true", help="do not open JupyterLab")
    arguments, for_lab = parser.parse_known_args()
    missing = [name for name in ("ipykernel", "jupyterlab") if find_spec(name) is None]
    if missing:
        sys.exit(f"{missing[0]} is not installed, which the notebooks need: install the course with [course,teach] after "
                 "its name, as docs/teaching/learners.md says.")
    workspace = home / FOLDER
    try:
        copied, kept = copy_missing(release, workspace)
        written = write_start_page(workspace, "ninelives" if installed else "make lab")
    except OSError as problem:
        sys.exit(str(problem))
    for name in copied:
        print(f"copied {FOLDER}/{name.as_posix()}")
    for name in kept:
        print(f"kept   {FOLDER}/{name.as_posix()}, which is yours")
    if written:
        print(f"wrote  {FOLDER}/{PAGE}, where you are in the course")
    else:
        print(f"kept   {FOLDER}/{PAGE}, which is yours")
    if installed:
        print(f"The folder {FOLDER} is in {home}.")
    if arguments.copy_only:
        return

    from jupyterlab.labapp import LabApp  # takes a second, which copying alone does not need

    os.chdir(workspace)  # where the Assignments tab of nbgrader puts what it fetches
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(CONFIG), others] if others else [str(CONFIG)])
    LabApp.launch_instance(argv=[*lab_arguments(workspace, PAGE if written else ""), *for_lab])


if __name__ == "__main__":
    main()
