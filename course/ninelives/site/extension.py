"""What Sphinx does for this site: formulas are drawn when a page is built, and each page loads what its widgets need."""

import json
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

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


def load_what_a_page_needs(app: Sphinx, name: str, template: str, context: dict, doctree) -> None:
    context["theme_logo_link"] = context["pathto"]("index.html", resource=True)
    placed = app.config.ninelives_widgets.get(name, [])
    if placed:
        app.add_css_file("labs.css")
        labs = sorted({widget.lab for widget in placed})
        for script in (*(f"labs/{lab}.js" for lab in labs), f"widgets/{name}.js", "site.js"):
            app.add_js_file(script, loading_method="defer", priority=900)
    if name == "search":
        for script in ("minisearch", "sections", "search"):
            app.add_js_file(f"search/{script}.js", loading_method="defer", priority=900)
    if doctree is not None and any(doctree.findall(lambda node: isinstance(node, nodes.math | nodes.math_block))):
        app.add_css_file("katex/katex.min.css")


def setup(app: Sphinx) -> dict:
    app.add_html_math_renderer("katex", inline_renderers=(inline_formula, None), block_renderers=(block_formula, None))
    app.add_config_value("ninelives_widgets", {}, "")
    app.connect("html-page-context", load_what_a_page_needs)
    return {"parallel_read_safe": False, "parallel_write_safe": False}
