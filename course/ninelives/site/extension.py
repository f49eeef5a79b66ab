"""What Sphinx does for this site: formulas are drawn when a page is built, and each page says what it is and loads what it needs."""

import hashlib
import html
import json
import re
import subprocess
from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx

from ninelives.site.address import SITE
from ninelives.site.front_page import CARD, DESCRIPTION, card_words

ROOT = Path(__file__).resolve().parents[3]
KATEX = """
const katex = require("katex");
require("readline").createInterface({ input: process.stdin }).on("line", line => {
  const { formula, displayMode } = JSON.parse(line);
  console.log(JSON.stringify(katex.renderToString(formula, { displayMode, throwOnError: true, strict: "ignore" })));
});
"""
_drawn: dict[tuple[str, bool], str] = {}
_node: list[subprocess.Popen] = []


def drawn(formula: str, display: bool) -> str:
    """A formula as HTML and MathML, drawn by KaTeX in Node.js. Raises ValueError for one that KaTeX refuses."""
    if (formula, display) not in _drawn:
        if not _node:
            _node.append(subprocess.Popen(["node", "-e", KATEX], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        _node[0].stdin.write(json.dumps({"formula": formula, "displayMode": display}) + "\n")
        _node[0].stdin.flush()
        answer = _node[0].stdout.readline()
        if not answer:
            _node.pop().wait()
            raise ValueError(f"KaTeX cannot draw {formula!r}, or npm ci has not been run.")
        _drawn[formula, display] = json.loads(answer)
    return _drawn[formula, display]


def inline_formula(writer, node: nodes.math) -> None:
    writer.body.append(drawn(node.astext(), display=False))
    raise nodes.SkipNode


def block_formula(writer, node: nodes.math_block) -> None:
    # It can be wider than a narrow screen; with a place in the order of the keyboard it can be scrolled.
    writer.body.append(f'<div class="nl-formula" role="group" aria-label="Formula" tabindex="0">{drawn(node.astext(), display=True)}</div>')
    raise nodes.SkipNode


def described(doctree: nodes.document | None) -> str:
    """The first paragraph that says something, in at most 200 letters; that of the front page where a page has none."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = " ".join(paragraph.astext().split())
        if len(text) > 50 and not isinstance(paragraph.parent, nodes.block_quote):
            return text if len(text) <= 200 else text[:199].rpartition(" ")[0] + " …"
    return DESCRIPTION


def say_what_a_page_is(app: Sphinx, name: str, template: str, context: dict, doctree) -> None:
    """For search engines, and for the card that is shown with a link to the page."""
    title, description = html.unescape(re.sub("<[^>]*>", "", context.get("title", ""))) or "Nine Lives", described(doctree)
    said = {"og:title": title, "og:description": description, "og:type": "article", "og:site_name": "Nine Lives", "og:url": f"{SITE}{name}.html",
            "og:image": f"{SITE}_static/{CARD.name}", "og:image:alt": card_words()}
    # The name of the viewport is in the theme's template already.
    context["metatags"] = "\n".join([
        f'<meta name="description" content="{html.escape(description)}">',
        *(f'<meta property="{property}" content="{html.escape(value)}">' for property, value in said.items()),
        '<meta name="twitter:card" content="summary_large_image">',
    ])


def load_what_a_page_needs(app: Sphinx, name: str, template: str, context: dict, doctree) -> None:
    context["theme_logo_link"] = context["pathto"]("index.html", resource=True)
    placed = app.config.ninelives_widgets.get(name, [])
    known = {}
    if placed:
        app.add_css_file("labs.css")
        labs = sorted({widget.lab for widget in placed})
        for lab in labs:
            app.add_js_file(f"labs/{lab}.js", loading_method="defer", priority=800)
        states = Path(app.srcdir, "_static", "widgets", f"{name}.js").read_bytes()
        known = {"data-widgets": f"widgets/{name}.js?v={hashlib.sha256(states).hexdigest()[:8]}"}
    app.add_js_file("site.js", loading_method="defer", priority=900, **known)
    if name == "search":
        for script in ("minisearch", "search"):  # this loads the texts
            app.add_js_file(f"search/{script}.js", loading_method="defer", priority=900)
    if doctree is not None and any(doctree.findall(lambda node: isinstance(node, nodes.math | nodes.math_block))):
        app.add_css_file("katex/katex.min.css")


def begin_outcome(writer, node: HideCodeCellNode) -> None:
    """MyST-NB's own fold has paragraphs in its summary, which no summary may have, and is read aloud as "Toggle hidden content"."""
    writer.body.append('<details class="nl-outcome"><summary>What this cell shows: choose an answer first</summary>\n')


def end_outcome(writer, node: HideCodeCellNode) -> None:
    writer.body.append("</details>\n")


def setup(app: Sphinx) -> dict:
    app.add_node(HideCodeCellNode, override=True, html=(begin_outcome, end_outcome))
    app.add_html_math_renderer("katex", inline_renderers=(inline_formula, None), block_renderers=(block_formula, None))
    app.add_config_value("ninelives_widgets", {}, "")
    app.connect("html-page-context", say_what_a_page_is)
    app.connect("html-page-context", load_what_a_page_needs)
    return {"parallel_read_safe": False, "parallel_write_safe": False}
