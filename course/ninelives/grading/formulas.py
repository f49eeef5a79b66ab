"""Markdown with formulas drawn as pictures, where nbconvert's pages fetch MathJax from the web."""

import io
import re
from base64 import b64encode
from html import escape

from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer


class OfflineRenderer(IPythonRenderer):
    """Draws formulas into the page. An image that is missing becomes its alt text."""

    def inline_math(self, body: str) -> str:
        return formula_picture(body) or super().inline_math(body)

    def block_math(self, body: str) -> str:
        picture = formula_picture(body)
        return f'<div style="text-align: center">{picture}</div>' if picture else super().block_math(body)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        try:
            return super().image(text, url, title)
        except (InvalidNotebook, StopIteration):  # a cell was copied without its attachment, or the attachment is empty
            return text


def formula_picture(formula: str) -> str | None:
    """A TeX formula as an HTML image; None if matplotlib cannot draw it."""
    try:
        from matplotlib import (  # here, since every nbgrader command imports this file
            font_manager,
            mathtext,
            rc_context,
        )
    except ImportError:  # a course may do without
        return None
    drawn = io.BytesIO()
    plain = re.sub(r"\\[td]frac(?![a-zA-Z])", r"\\frac", " ".join(formula.split()))
    try:
        with rc_context({"mathtext.fontset": "stix"}):
            size = font_manager.FontProperties(size=11)
            depth = mathtext.math_to_image(f"${plain}$", drawn, prop=size, dpi=72, format="svg")
    except Exception:  # it may be nested more deeply than matplotlib can parse; it is shown as it was typed
        return None
    return (f'<img style="border: 0; vertical-align: {-depth:g}pt" alt="{escape(formula)}" '
            f'src="data:image/svg+xml;base64,{b64encode(drawn.getvalue()).decode()}">')
