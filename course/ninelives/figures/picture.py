"""A picture, its caption and the same thing in words."""

import base64
import html
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from ninelives.figures.style import DARK_THEME, DPI, PAPER, in_style, new_figure

# In JupyterLab's dark theme, and on a page made with nbconvert --theme dark, light and dark of the picture before these
# words are swapped and its hues kept: white becomes the dark of the page. Elsewhere the picture stays as it is.
FOLLOW_THE_THEME = (
    '<span class="nl-words"></span><style>@media screen { [data-jp-theme-light="false"] '
    f".jp-OutputArea-child:has(+ .jp-OutputArea-child .nl-words) img {{ filter: {DARK_THEME}; }} }}</style>"
)

PRINT_DPI = 220  # of a picture that is saved as PNG
# What a saved file says of itself, without its date: the same picture gives the same bytes.
FORMATS = {
    "png": lambda picture: {"Title": picture.caption, "Description": picture.alt},
    "svg": lambda picture: {"Title": picture.caption, "Description": picture.alt, "Date": None},
    "pdf": lambda picture: {"Title": picture.caption, "Subject": picture.alt, "CreationDate": None},
}


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """A figure with its caption and its alternative text, both plain text.

    It is drawn when it is first shown. Where only the words are needed, as in most cells of a
    notebook that is being graded, drawing takes no time.

    JupyterLab writes no alt attribute on a picture, so a notebook gets two outputs:
    the PNG with the alternative text in its metadata (where nbconvert looks for it),
    and below it the caption, with a description in words that can be unfolded.
    """

    draw: Callable[[Figure], None]
    caption: str
    alt: str

    @cached_property
    @in_style()
    def figure(self) -> Figure:
        figure = new_figure()
        self.draw(figure)
        return figure

    def png(self) -> bytes:
        """The picture as the bytes of a PNG file."""
        drawn, small = io.BytesIO(), io.BytesIO()
        self._write(drawn, "png", DPI)
        # 256 colours are enough for these pictures, at a third of the size.
        image = Image.open(drawn).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        image.save(small, "PNG", optimize=True, dpi=(DPI, DPI))
        return small.getvalue()

    def save(self, path: str | Path) -> None:
        """Write the picture to `path`, as .png, .svg or .pdf; in the last two, cells are shapes and text is text."""
        ending = Path(path).suffix[1:].lower()
        if ending not in FORMATS:
            raise ValueError(f"{str(path)!r} must end in .png, .svg or .pdf.")
        Path(path).write_bytes(self.as_file(ending))

    def as_file(self, file_format: str) -> bytes:
        """The bytes of the file that `save` writes: "png", "svg" or "pdf"."""
        written = io.BytesIO()
        with _without_rims(self.figure):
            self._write(written, file_format, dpi=PRINT_DPI, metadata=FORMATS[file_format](self))
        return written.getvalue()

    def describe(self) -> str:
        """What the picture shows, in words."""
        return self.alt

    def outputs(self) -> list[dict]:
        """The two outputs of a notebook cell, as nbformat stores them."""
        return [self.image_output(), self.words_output()]

    def image_output(self) -> dict:
        """The output that holds the PNG, which is drawn for it."""
        image = {
            "image/png": base64.b64encode(self.png()).decode(),
            "text/plain": f"Picture: {self.caption}",
        }
        alt = {"image/png": {"alt": self.alt}, "alt": self.alt}
        return {"output_type": "display_data", "data": image, "metadata": alt}

    def words_output(self) -> dict:
        """The output that holds the caption and the description; nothing is drawn for it."""
        words = {
            "text/markdown": f"*{_escaped(self.caption)}*\n\n<details><summary>In words</summary>"
            f"{_escaped(self.alt)}</details>{FOLLOW_THE_THEME}",
            "text/plain": f"In words: {self.alt}",
        }
        return {"output_type": "display_data", "data": words, "metadata": {}}

    def _ipython_display_(self) -> None:
        for output in self.outputs():
            display(output["data"], metadata=output["metadata"], raw=True)

    def __repr__(self) -> str:
        return f"Picture: {self.caption}\nIn words: {self.alt}"

    @in_style()
    def _write(self, target, file_format: str, dpi: int, metadata: dict | None = None) -> None:
        self.figure.savefig(
            target, format=file_format, dpi=dpi, facecolor=PAPER, bbox_inches="tight",
            pad_inches=0.12, metadata=metadata,
        )


@contextmanager
def _without_rims(figure: Figure) -> Iterator[None]:
    """Text as it is best read on paper; its rim is for the dark theme, and would make outlines of it in a PDF."""
    rims = [(text, text.get_path_effects()) for text in figure.findobj(Text)]
    for text, _ in rims:
        text.set_path_effects([])
    try:
        yield
    finally:
        for text, effects in rims:
            text.set_path_effects(effects)


def _escaped(text: str) -> str:
    """Plain text for Markdown: a token such as <pad> or * must come through as itself."""
    text = html.escape(" ".join(text.split()), quote=False)
    for sign in "\\`*_[]~|":
        text = text.replace(sign, f"&#{ord(sign)};")
    # MathJax joins two dollar signs into a formula, but not across tags.
    return text.replace("$", "<span>&#36;</span>")
