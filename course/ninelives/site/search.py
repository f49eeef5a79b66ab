"""The search: what the pages say, by their headings, in one script, and the page's own script that looks through it.

Sphinx's search fetches each page that it has found, to show what stands there. A browser refuses that for a folder on disk.
"""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

from ninelives.widgets.inline import inlined

HERE = Path(__file__).parent
SPHINX_SEARCH = ("searchindex.js", "_static/searchtools.js", "_static/language_data.js")
LISTS = ("contents.html", "genindex.html", "index.html", "search.html")  # pages that only lead to others, and the front page
HEADINGS = ("h1", "h2", "h3")  # "Check it", a heading below these, is part of its exercise
BLOCKS = {"p", "li", "td", "th", "pre", "div", "dd", "dt", "br", "summary", "figcaption"}  # words on both sides of these are two words


def write_search(site: Path, root: Path) -> None:
    """Write the scripts of the page search.html into `_static/search` of a site, whose pages are all there."""
    folder = site / "_static" / "search"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    kept = [[page, *section] for page, path in pages.items() if page not in LISTS for section in sections(path.read_text(encoding="utf-8"))]
    (folder / "sections.js").write_text(f"globalThis.nineLivesSections = {json.dumps(kept, ensure_ascii=False)};\n", encoding="utf-8")
    (folder / "search.js").write_text(f"(() => {{\n{inlined(HERE / 'search_page' / 'index.js')}}})();\n", encoding="utf-8")
    package = root / "node_modules" / "minisearch"
    script = (package / "dist" / "umd" / "index.js").read_text(encoding="utf-8")
    (folder / "minisearch.js").write_text(script.replace("//# sourceMappingURL=index.js.map", ""), encoding="utf-8")
    shutil.copyfile(package / "LICENSE.txt", folder / "LICENSE-minisearch.txt")
    for unused in SPHINX_SEARCH:
        (site / unused).unlink(missing_ok=True)


def sections(page: str) -> list[tuple[str, str, str]]:
    """The id, the heading and the text of each part of a page that has a heading, or is about one function or class."""
    parser = _Sections()
    parser.feed(page)
    return [(place, " ".join(heading.split()), " ".join(text.split())) for place, heading, text in parser.found]


class _Sections(HTMLParser):
    """A part begins at a heading or at the signature of a function, and ends where the next one begins."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[str]] = []
        self._inside = False  # of the article: around it are the menus
        self._section = ""  # the id of the last section that has begun
        self._heading = False
        self._skipped = ("", 0)  # the tag of what nobody reads, and how many of it are open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attributes}
        name, open_ = self._skipped
        if open_:
            self._skipped = (name, open_ + (tag == name))
        elif tag == "article":
            self._inside = True
        elif tag in ("script", "style", "mrow") or {"headerlink", "katex-html"} & {*has.get("class", "").split()}:
            self._skipped = (tag, 1)  # of a formula its TeX is kept
        elif tag == "section":
            self._section = has.get("id", "")
        elif self._inside and tag in HEADINGS:
            self.found.append([self._section, "", ""])
            self._heading = True
        elif self._inside and tag == "dt" and "sig" in has.get("class", "").split():
            self.found.append([has["id"], has["id"], ""])
        elif tag in BLOCKS:
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        name, open_ = self._skipped
        if open_:
            self._skipped = (name, open_ - (tag == name))
        elif tag == "article":
            self._inside = False
        elif tag in HEADINGS:
            self._heading = False
        elif tag in BLOCKS:
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        if self._inside and self.found and not self._skipped[1]:
            self.found[-1][1 if self._heading else 2] += data
