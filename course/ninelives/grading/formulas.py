"""Formulas drawn into the page, where nbconvert's pages fetch MathJax."""

import io
import re
from base64 import b64encode
from html import escape

from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer


class WithoutTheWeb(IPythonRenderer):
    """Formulas drawn in the page itself, where nbconvert's pages fetch MathJax. An image that is missing is its alt text."""

    def inline_math(self, body: str) -> str:
        return picture_of(body) or super().inline_math(body)

    def block_math(self, body: str) -> str:
        picture = picture_of(body)
        return f'<div style="text-align: center">{picture}</div>' if picture else super().block_math(body)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        try:
            return super().image(text, url, title)
        except (InvalidNotebook, StopIteration):  # a cell was copied without its attachment, or that is empty
            return text


def picture_of(formula: str) -> str | None:
    """A formula in TeX as an HTML image; None where matplotlib cannot draw it."""
    from matplotlib import font_manager, mathtext, rc_context  # here, since every nbgrader command reads this module

    drawn = io.BytesIO()
    plain = re.sub(r"\\[td]frac(?![a-zA-Z])", r"\\frac", " ".join(formula.split()))
    try:
        with rc_context({"mathtext.fontset": "stix"}):
            size = font_manager.FontProperties(size=11)
            depth = mathtext.math_to_image(f"${plain}$", drawn, prop=size, dpi=72, format="svg")
    except Exception:  # it may be nested deeper than matplotlib's parser goes, and stands there as it was typed
        return None
    return (f'<img style="border: 0; vertical-align: {-depth:g}pt" alt="{escape(formula)}" '
            f'src="data:image/svg+xml;base64,{b64encode(drawn.getvalue()).decode()}">')
