"""Build the site: `python -m ninelives.site`. The folder site/ is made again; build/site keeps the notebooks that have run."""

import argparse
import re
import shutil
import sys
import time
from pathlib import Path

import nbformat
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from ninelives import build as course
from ninelives.build import ROOT
from ninelives.site.execute import SiteError, executed
from ninelives.site.front_page import write_front_page
from ninelives.site.reference import SETTINGS as REFERENCE
from ninelives.site.search import write_search
from ninelives.site.sources import (
    source_of,
    write_contents,
    write_documents,
    write_formulas,
    write_notebooks,
    write_widgets,
)
from ninelives.site.tidy import problems, tidy
from ninelives.site.view import learners_view, shown_of_solutions

HERE = Path(__file__).parent
SETTINGS = {
    "project": "Nine Lives", "html_title": "Nine Lives", "author": "the authors of Nine Lives", "language": "en",
    "extensions": ["myst_nb", "ninelives.site.extension", "ninelives.site.reference"], "exclude_patterns": ["_static"],
    "root_doc": "contents", "html_context": {"default_mode": "auto"},
    "nb_execution_mode": "off", "nb_ipywidgets_js": {}, "html_math_renderer": "katex",
    "myst_enable_extensions": ["dollarmath", "colon_fence"], "myst_heading_anchors": 4,
    "html_theme": "sphinx_book_theme", "html_copy_source": False, "toc_object_entries_show_parents": "hide", "html_show_sourcelink": False, "html_show_sphinx": False,
    "html_css_files": ["site.css"], "html_favicon": str(HERE / "static" / "favicon.svg"), "suppress_warnings": ["misc.highlighting_failure"],
    "html_theme_options": {
        "use_download_button": False, "use_fullscreen_button": False, "show_toc_level": 2, "navigation_depth": 1,
        "toc_title": "On this page", "navbar_persistent": [], "back_to_top_button": False, "search_as_you_type": False,
    },
}


def build(root: Path, target: Path, work: Path) -> None:
    """Write the site of the course at `root` into `target`; `work` is for what can be used again.

    Raises SiteError.
    """
    built = {path.relative_to(root).as_posix(): content for path, content in course.build(root).items()}
    notebooks = {Path(file).stem: nbformat.reads(content, as_version=4) for file, content in built.items() if file.startswith("solutions/")}
    labs = {path.stem: course.solved_lab(path) for path in sorted((root / "course" / "labs").glob("*.py"))}
    released = {source_of(file).removesuffix(".ipynb"): nbformat.reads(content, as_version=4) for file, content in built.items()
                if re.fullmatch(r"release/.*\.ipynb", file)}
    to_run = {f"notebooks/{name}": notebook for name, notebook in notebooks.items()} | {f"labs/{name}": lab for name, lab in labs.items()}
    ran = executed(to_run, notebooks, work / "executed")
    views = {path: learners_view(notebook, released[path]) for path, notebook in ran.items()}
    for path, view in views.items():
        if shown := shown_of_solutions(view, to_run[path], released[path]):
            raise SiteError(f"{path} would show what only the solved notebook has: {shown[0]!r}. No page is written.")
    made = write_pages(views, released, root, work)
    write_front_page(made)
    if wrong := problems(made):
        raise SiteError("\n".join(wrong))
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(made, target)


def write_pages(views: dict[str, nbformat.NotebookNode], released: dict[str, nbformat.NotebookNode], root: Path, work: Path) -> Path:
    """Write all pages but the front page, and return their folder. Raises SiteError.

    Args:
        views: notebooks that have run, by path: "notebooks/02-attention", "labs/causes".
        released: the same notebooks as learners get them.
    """
    source, extra, made = work / "source", work / "extra", work / "html"
    for folder in (source, extra, made):
        shutil.rmtree(folder, ignore_errors=True)
    write_contents(source, views)
    placed = write_notebooks(source, extra, views, released)
    write_documents(source, root)
    write_widgets(source / "_static", placed)
    write_formulas(source / "_static", root)
    settings = SETTINGS | REFERENCE | {
        "ninelives_widgets": placed, "html_static_path": [str(HERE / "static"), str(source / "_static")], "html_extra_path": [str(extra)],
    }
    with patch_docutils(), docutils_namespace():
        app = Sphinx(source, None, made, work / "doctrees", "html", settings, freshenv=True, status=None, warningiserror=True)
        app.build(force_all=True)
    if app.statuscode:
        raise SiteError("Sphinx could not build the site; its messages are above.")
    tidy(made)
    write_search(made, root)
    return made


def main() -> None:
    argparse.ArgumentParser(prog="python -m ninelives.site", description="Build the course as pages, in site/.").parse_args()
    begun = time.perf_counter()
    try:
        build(ROOT, ROOT / "site", ROOT / "build" / "site")
    except SiteError as problem:
        sys.exit(str(problem))
    pages = len([*(ROOT / "site").rglob("*.html")])
    print(f"{pages} pages in site/, in {time.perf_counter() - begun:.0f} seconds.")


if __name__ == "__main__":
    main()
