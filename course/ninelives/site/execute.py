"""The notebooks, run as a learner would who has solved every exercise. Nothing is trained.

A notebook that has run is kept in build/site/executed until it, or anything that it may import, changes.
"""

import hashlib
import inspect
import os
import platform
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from ninelives.site.live import WIDGETS
from ninelives.site.own_training import KEPT, put_training

PACKAGE = Path(__file__).resolve().parents[1]
IRRELEVANT = {"site", "grading", "build.py", "workspace.py", "jupyter_config", "__pycache__"}  # no notebook imports these
VERSIONS = ("torch", "matplotlib", "ipython", "numpy")
ENVIRONMENT = {
    "NINELIVES_ANOTHER_WAY": "off",  # a learner sees another right answer only after having solved the exercise
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
BEFORE = "import random\n\nimport torch\n\nfrom ninelives.site import live\n\nrandom.seed(0)\ntorch.manual_seed(0)\nlive.watch()"  # the same draws each time
AFTER = "live.show()"
TIMEOUT = 300  # seconds that a cell may take


class SiteError(RuntimeError):
    """The site cannot be built. The message says why, and what to do."""


def executed(notebooks: dict[str, nbformat.NotebookNode], solved: dict[str, nbformat.NotebookNode], cache: Path
             ) -> dict[str, nbformat.NotebookNode]:
    """Each notebook with its outputs; in `metadata.ninelives_widgets` what its widgets know.

    Args:
        notebooks: by path, such as "notebooks/02-attention" or "labs/causes".
        solved: the nine solved notebooks by name, which stand beside the one that runs.
        cache: the folder in which they are kept.

    Raises SiteError for a cell that fails.
    """
    answers = "".join(cell.source for other in solved.values() for cell in other.cells if cell.metadata.get("nbgrader", {}).get("solution"))
    keys = {path: _key(notebook, answers) for path, notebook in notebooks.items()}
    files = {path: cache / f"{path.replace('/', '.')}.{key}.ipynb" for path, key in keys.items()}
    cache.mkdir(parents=True, exist_ok=True)

    def run(path: str) -> None:
        if not files[path].exists():
            print(f"running {path}", flush=True)
            done = _run(path, notebooks[path], solved)
            nbformat.write(done, files[path])

    with ThreadPoolExecutor(max_workers=2) as workers:
        list(workers.map(run, notebooks))
    for path in cache.glob("*.ipynb"):
        if path not in files.values():
            path.unlink()
    return {path: nbformat.read(file, as_version=4) for path, file in files.items()}


def _key(notebook: nbformat.NotebookNode, answers: str) -> str:
    """Changes with the notebook, with the answers to all exercises, and with all that it may import."""
    how = [BEFORE, AFTER, inspect.getsource(_run), repr(ENVIRONMENT), platform.python_version(), *map(version, VERSIONS)]
    digest = hashlib.sha256("\0".join([nbformat.writes(notebook), answers, *how]).encode())
    for path in sorted(PACKAGE.rglob("*")):
        inside = path.relative_to(PACKAGE)
        if path.is_file() and not IRRELEVANT & {*inside.parts} and path.suffix not in (".pyc", ".js", ".css", ".html"):
            digest.update(inside.as_posix().encode() + path.read_bytes())
    site = PACKAGE / "site"
    for path in (site / "live.py", *([site / "own_training.py", *sorted(KEPT.iterdir())] if is_notebook_9(notebook) else [])):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def is_notebook_9(notebook: nbformat.NotebookNode) -> bool:
    return notebook.cells[0].source.startswith("# 9")


def _run(path: str, notebook: nbformat.NotebookNode, solved: dict[str, nbformat.NotebookNode]) -> nbformat.NotebookNode:
    with tempfile.TemporaryDirectory(prefix="ninelives-site-") as root:
        for name, other in solved.items():
            Path(root, name).mkdir()
            nbformat.write(other, Path(root, name, f"{name}.ipynb"))
        kind, name = path.split("/")
        where = Path(root, "labs" if kind == "labs" else name)
        where.mkdir(exist_ok=True)
        if is_notebook_9(notebook):
            put_training(where)
        notebook = nbformat.from_dict(notebook)
        code = nbformat.v4.new_code_cell
        notebook.cells = [code(BEFORE, id="before"), *notebook.cells, code(AFTER, id="after")]
        client = NotebookClient(notebook, timeout=TIMEOUT, allow_errors=True, kernel_name="python3", record_timing=False,
                                coalesce_streams=True, store_widget_state=False,
                                extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(where)}})
        client.execute(env=os.environ | ENVIRONMENT)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                _forget_folders(output, {str(where): ".", root: "..", str(PACKAGE.parents[1]): "nine-lives", sys.prefix: ".venv"})
    *cells, last = notebook.cells
    _want_no_error(path, [*cells, last])
    notebook.cells = cells[1:]
    notebook.metadata = {"kernelspec": notebook.metadata.kernelspec, "language_info": {"name": "python"},
                         "ninelives_widgets": last.outputs[0]["data"][WIDGETS]}
    return notebook


def _forget_folders(output: nbformat.NotebookNode, names: dict[str, str]) -> None:
    """What is printed, and the frames of errors, name no folder of this machine."""
    for folder, name in names.items():
        if "text" in output:
            output.text = output.text.replace(folder, name)
        if "traceback" in output:
            output.traceback = [line.replace(folder, name) for line in output.traceback]


def _want_no_error(path: str, cells: list[nbformat.NotebookNode]) -> None:
    for cell in cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                raise SiteError(f"{path}, cell {cell.id}, fails: {output.ename}: {output.evalue}. No page is written; "
                                f"the cell begins with {cell.source.splitlines()[0]!r}.")
