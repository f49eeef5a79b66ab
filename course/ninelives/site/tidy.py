"""The last look at the pages: what the theme writes that is not accessible is changed, and links are followed."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

EMPTY_HEAD = re.compile(r"<thead>\s*<tr[^>]*>(?:\s*<th[^>]*>(?:<p></p>)?</th>)+\s*</tr>\s*</thead>")
EMPTY_HEADER = re.compile(r'<th class="head[^"]*"><p></p></th>')
PARAMETERS = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")  # of a long signature; Sphinx writes them as the descriptions of no term
# 1.5 MB of icons as a script; the theme's style has them in a font as well, and pages look the same without it.
ICONS = re.compile(r'<link rel="preload" as="script" href="[^"]*fontawesome\.js[^"]*"[^>]*>|<script[^>]* src="[^"]*fontawesome\.js[^"]*"[^>]*></script>')
# search.py has another search.
SEARCH = re.compile(r'<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>')
# The theme writes a page without colours first, and gives it those of light or dark when its last script has been read.
NO_COLOURS = ('data-theme="auto"', 'data-theme="light"')
THEME = ('document.documentElement.dataset.theme = localStorage.getItem("theme") || "auto";',
         'const mode = document.documentElement.dataset.mode, dark = matchMedia("(prefers-color-scheme: dark)").matches;\n'
         '    document.documentElement.dataset.theme = mode === "dark" || (mode === "auto" && dark) ? "dark" : "light";')
VIEWPORT = re.compile(r'(?<!charset="utf-8" />\n    )<meta name="viewport"[^>]*>')  # the theme's second one
LOADS = {("link", "href"), ("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src"), ("object", "data")}


def tidy(site: Path) -> None:
    """Change the pages of a site in place."""
    static = site / "_static"
    for unused in (*static.glob("*webpack-macros.html"), *static.rglob("*.map"), static / "scripts" / "fontawesome.js"):
        unused.unlink(missing_ok=True)
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        text = VIEWPORT.sub("", SEARCH.sub("", ICONS.sub("", text))).replace(*NO_COLOURS).replace(*THEME)
        text = EMPTY_HEADER.sub("<td></td>", EMPTY_HEAD.sub("", text))  # a header cell without words is read aloud as nothing
        text = PARAMETERS.sub(lambda found: f'<ul class="nl-parameters">\n{found[1]}</ul>'.replace("dd>", "li>"), text)
        page.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")
    (site / ".nojekyll").touch()  # GitHub Pages would leave out what begins with an underscore
    (site / ".buildinfo").unlink(missing_ok=True)


class _Links(HTMLParser):
    """The ids of a page, and its links with whether the browser loads them by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "id":
                self.ids.add(value or "")
            elif value and ((tag, name) in LOADS or (tag, name) == ("a", "href")):
                self.links.append((value, (tag, name) in LOADS))


def problems(site: Path) -> list[str]:
    """Each link that leads nowhere, and each address outside that a page or a style would load, as a sentence."""
    pages = {}
    for path in sorted(site.rglob("*.html")):
        pages[path.resolve()] = parser = _Links()
        parser.feed(path.read_text(encoding="utf-8"))
    found = []
    for path, parser in pages.items():
        name = path.relative_to(site.resolve()).as_posix()
        for link, loaded in parser.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if loaded and parts.scheme != "data":
                    found.append(f"{name} would load {link}, which is outside the site.")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                found.append(f"{name} links to {link}, and there is no such file.")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                found.append(f"{name} links to {link}, and that page has no such place.")
    for path in sorted(site.rglob("*.css")):
        for address in re.findall(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')]+)", path.read_text(encoding="utf-8")):
            found.append(f"{path.relative_to(site).as_posix()} would load {address}, which is outside the site.")
    return found
