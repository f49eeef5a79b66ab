"""The folder that Sphinx reads."""

import json
import re
import shutil
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path, PurePosixPath

import nbformat
from nbformat import NotebookNode

from ninelives.progress import lab_place
from ninelives.site.address import SITE, binder, colab
from ninelives.site.colab import first_cell
from ninelives.site.outputs import Placed, on_a_page, on_github
from ninelives.widgets.inline import inlined
from ninelives.widgets.lab_widget import HERE as WIDGETS
from ninelives.widgets.page_network import as_script

HERE = Path(__file__).parent
PLACE = re.compile(r"(\]\((?![a-z]+:)[^)#]*#)([^)]+)(?=\))")  # a heading as JupyterLab names it: "The-PyTorch-calls"
ABOUT = re.compile(r"^> This is the (?:notebook|lab) .*$", re.MULTILINE)
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|<)([^)\s#]+)(#[^)\s]*)?(?=\))")


def write_notebooks(folder: Path, extra: Path, notebooks: dict[str, NotebookNode], released: dict[str, NotebookNode]) -> dict[str, list[Placed]]:
    """Write the notebooks as Sphinx reads them, and into `extra` as GitHub and Colab show them and as they are downloaded.

    Args:
        notebooks: learners' views by path, such as "notebooks/02-attention" or "labs/causes".
        released: the same notebooks with everything still to do; these are downloaded.

    Returns the widgets of each.
    """
    placed = {}
    for path, notebook in notebooks.items():
        page, ran = deepcopy(notebook), deepcopy(notebook)
        placed[path] = on_a_page(page, folder / "_static" / "pictures")
        on_github(ran, f"{SITE}{path}.html")
        for cell, copy in zip(page.cells, ran.cells):
            if cell.cell_type == "markdown":
                copy.source = relink(cell.source, _released(path), f"{path}.ipynb")
                cell.source = PLACE.sub(lambda link: link[1] + re.sub(r"[^\w-]", "", link[2].lower()), copy.source)
        title = page.cells[0]
        title.source = ABOUT.sub(rf"\g<0>\n\n{_where_it_runs(path)}", title.source, count=1)
        ran.cells.insert(1, nbformat.v4.new_code_cell(first_cell(), id="colab", metadata={"tags": ["colab"]}))
        _write(extra / f"{path}.ipynb", ran)
        _write(extra / _released(path), released[path])
        text = (extra / _released(path)).read_text(encoding="utf-8")
        _write_script(extra / f"{_released(path)}.js", f"globalThis.nineLivesNotebook = {json.dumps(text, ensure_ascii=False)};\n")
        _write(folder / f"{path}.ipynb", page)
    return placed


def _where_it_runs(path: str) -> str:
    """Links that open the notebook of a page."""
    links = {"Open in Binder": f'href="{binder(_released(path))}"', "Open in Colab": f'href="{colab(f"{path}.ipynb")}"',
             "Download the notebook": f'href="../{_released(path)}" download'}
    opened = " · ".join(f"<a {where}>{words}</a>" for words, where in links.items())
    return (f'<p class="nl-open">No cell runs on this page. To change one and run it: {opened}. '
            'The course shows several models: <a href="../contents.html#which-model-is-which">which is which</a>.</p>')


def _released(path: str) -> str:
    """Where the notebook to solve is, in the repository and in the site."""
    kind, name = path.split("/")
    return f"release/labs/{name}.ipynb" if kind == "labs" else f"release/{name}/{name}.ipynb"


def _write(path: Path, notebook: NotebookNode) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def source_of(file: str) -> str | None:
    """The source of the page that shows a file of the repository, if one does."""
    if found := re.fullmatch(r"(?:release|solutions)/(\d\d-[\w-]+)/\1\.ipynb", file):
        return f"notebooks/{found[1]}.ipynb"
    if found := re.fullmatch(r"release/(labs/\w+\.ipynb)", file):
        return found[1]
    if file in ("CHANGELOG.md", "DECISIONS.md"):
        return f"docs/{file.lower()}"
    return file if file.startswith("docs/") else None


def relink(text: str, file: str, page: str) -> str:
    """Markdown of a file of the repository with its links as they are on a page of the site.

    A link to a file that the site does not show becomes its words.
    """
    def target(link: re.Match) -> str:
        parts = PurePosixPath(file).parent.joinpath(link[1]).parts
        inside: list[str] = []
        for part in parts:
            inside = inside[:-1] if part == ".." else [*inside, part]
        known = source_of("/".join(inside))
        return f"{relative(known, page)}{link[2] or ''}" if known else "\0"

    return re.sub(r"(?<!!)\[([^\]]*)\]\(\0\)", r"\1", LINK.sub(target, text))


def relative(target: str, page: str) -> str:
    """The path from one page's source to another's."""
    up = "../" * (len(PurePosixPath(page).parts) - 1)
    return f"{up}{target}"


def write_documents(folder: Path, root: Path) -> None:
    """The documents for instructors, the changelog and the decisions."""
    for path in sorted([*root.glob("docs/**/*.md"), root / "CHANGELOG.md", root / "DECISIONS.md"]):
        file = path.relative_to(root).as_posix()
        target = folder / source_of(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(relink(path.read_text(encoding="utf-8"), file, source_of(file)), encoding="utf-8")
    for path in root.glob("docs/**/*.png"):
        shutil.copyfile(path, folder / path.relative_to(root))


def write_contents(folder: Path, notebooks: Iterable[str]) -> None:
    """The page that lists all others, and those of the package's reference, which Sphinx fills from its docstrings.

    Args:
        notebooks: their paths, such as "notebooks/02-attention" and "labs/causes".
    """
    shutil.copytree(HERE / "api", folder / "api")
    labs = sorted((path for path in notebooks if path.startswith("labs/")), key=lambda path: lab_place(Path(path)))
    text = (HERE / "contents.md").read_text(encoding="utf-8")
    (folder / "contents.md").write_text(text.replace("$labs", "\n".join(labs)), encoding="utf-8")


def write_formulas(static: Path, root: Path) -> None:
    """KaTeX's style, and its letters in the one format that browsers of today load."""
    made = root / "node_modules" / "katex" / "dist"
    shutil.copytree(made / "fonts", static / "katex" / "fonts", ignore=shutil.ignore_patterns("*.ttf", "*.woff"))
    style = (made / "katex.min.css").read_text(encoding="utf-8")
    (static / "katex" / "katex.min.css").write_text(re.sub(r',url\([^)]*\.(?:woff|ttf)\) format\("\w+"\)', "", style), encoding="utf-8")


def write_widgets(static: Path, placed: dict[str, list[Placed]]) -> None:
    """The scripts of the labs and of the networks, and one for each page with the states of its widgets.

    They are classic scripts that set global variables: a browser loads neither modules nor data from a page on disk.
    """
    for lab in sorted({widget.lab for widgets in placed.values() for widget in widgets}):
        _write_script(static / "labs" / f"{lab}.js", lab_script(lab))
    styles = [WIDGETS / "base.css", *sorted(WIDGETS.glob("*/style.css"))]
    (static / "labs.css").write_text("\n".join(path.read_text("utf-8") for path in styles), encoding="utf-8")
    networks = {name: network for widgets in placed.values() for widget in widgets for name, network in widget.networks.items()}
    for name, network in networks.items():
        _write_script(static / "networks" / f"{name}.js", as_script(name, network))
    for path, widgets in placed.items():
        if widgets:
            states = [[widget.id, widget.lab, widget.state] for widget in widgets]
            needs = sorted({name for widget in widgets for name in widget.networks})
            _write_script(static / "widgets" / f"{path}.js", f"globalThis.nineLivesWidgets = {json.dumps(states, sort_keys=True)};\n"
                          f"globalThis.nineLivesNeeds = {json.dumps(needs)};\n")


def lab_script(lab: str) -> str:
    """A lab as a classic script that makes `nineLivesLabs.<lab>(element, state)`."""
    code = inlined(WIDGETS / lab / "index.js").replace("export default { render };", "")
    mount = inlined(WIDGETS / "js" / "mount.js")
    return f"(globalThis.nineLivesLabs ??= {{}}).{lab} = (() => {{\n{code}\n{mount}\nreturn (el, state) => mount(render, el, state);\n}})();\n"


def _write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
