"""The visual language of the course: colours, sizes, labels, and where the title is."""

import math
import textwrap
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Bbox

PAPER, INK, MUTED, RULE = "#ffffff", "#1b1f24", "#59636e", "#d5dae0"

# Okabe and Ito, "Color Universal Design" (2008); their yellow is left out,
# since a yellow line is hard to see on white.
BLUE, VERMILLION, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
ORANGE, SKY = "#e69f00", "#56b4e9"
PALETTE = (BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY, INK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
ACCENT = VERMILLION

# Lightness falls steadily from 0 to 1, so the map also reads in grey.
WEIGHTS_MAP = LinearSegmentedColormap.from_list(
    "weights", ["#ffffff", "#bcdcf0", "#5fa8d6", BLUE, "#04293f"]
)
SIGNED_MAP = LinearSegmentedColormap.from_list(
    "signed", ["#6b2600", VERMILLION, "#f5c3a0", "#ffffff", "#a9d3ec", BLUE, "#073b5e"]
)
MAY_ATTEND, BLOCKED = BLUE, "#eef0f3"

DARK_THEME = "invert(93%) hue-rotate(180deg)"  # the CSS filter that a picture gets on a dark page
READABLE = 4.5  # the least contrast of small text, after WCAG 2.2, success criterion 1.4.3

TITLE_SIZE, LABEL_SIZE, NUMBER_SIZE, NOTE_SIZE = 11.0, 9.0, 8.0, 8.0
LONGEST_LABEL = 16  # characters; a longer word is cut with an ellipsis
LEFT_TO_RIGHT = "\u200e"  # Unicode's mark, which is not drawn
WIDTH = 7.4  # inches, the width of a notebook's column
DPI = 110

# Fonts for letters that DejaVu Sans lacks, each used where it is installed: Chinese, Japanese, Korean, emoji.
OTHER_SCRIPTS = ("Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans", "Microsoft YaHei",
                 "Malgun Gothic", "Noto Emoji", "Segoe UI Emoji")

STYLE = {
    "font.family": ["DejaVu Sans", *(font for font in OTHER_SCRIPTS if font in font_manager.get_font_names())],
    "font.size": LABEL_SIZE,
    "text.color": INK,
    "text.parse_math": False,  # a token may be "$"
    "text.usetex": False,
    "axes.unicode_minus": True,
    "axes.facecolor": PAPER,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": NOTE_SIZE,
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": LABEL_SIZE,
    "ytick.labelsize": LABEL_SIZE,
    "hatch.linewidth": 0.8,
    "path.sketch": None,
    "svg.fonttype": "none",  # text as text, in a saved SVG and a PDF
    "svg.hashsalt": "ninelives",
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": False,
    "figure.autolayout": False,
    "figure.facecolor": PAPER,
}


@contextmanager
def in_style() -> Iterator[None]:
    """Draw in STYLE, whatever the learner's own rcParams say (a dark style, another font).

    A token in a script that the font lacks is drawn as a box, without a warning: a line on
    stderr would cost a learner the points of the cell.
    """
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*missing from font")
        yield


def new_figure() -> Figure:
    """An empty figure, WIDTH inches wide and high; a saved picture is cropped to what is drawn."""
    figure = Figure(figsize=(WIDTH, WIDTH), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def place_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes with a size in inches; `left` and `top` count from the figure's top left corner."""
    axes = figure.add_axes(
        (left / WIDTH, 1 - (top + height) / WIDTH, width / WIDTH, height / WIDTH)
    )
    axes.tick_params(length=0)
    return axes


def extent(figure: Figure) -> Bbox:
    """What is drawn so far, in inches from the figure's bottom left corner."""
    return figure.get_tightbbox(figure.canvas.get_renderer())


def put_title(figure: Figure, title: str) -> None:
    """The title, above everything drawn so far, at its left edge."""
    drawn = extent(figure)
    figure.text(
        drawn.x0 / WIDTH, (drawn.y1 + 0.12) / WIDTH, title,
        size=TITLE_SIZE, weight="bold", ha="left", va="bottom",
    )


def put_note(figure: Figure, note: str) -> None:
    """A note in muted colour below everything drawn so far, wrapped to its width."""
    drawn = extent(figure)
    room = max(drawn.width, 3.2)
    lines = textwrap.wrap(note, int(room / 0.064))
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in note):
        lines = [f"{LEFT_TO_RIGHT}{line}" for line in lines]  # a line that begins with such a word would be set from the right
    figure.text(
        drawn.x0 / WIDTH, (drawn.y0 - 0.08) / WIDTH, "\n".join(lines),
        size=NOTE_SIZE, color=MUTED, ha="left", va="top", linespacing=1.3,
    )


def missing_letters(texts: Sequence[str]) -> str:
    """A sentence where texts hold letters that no font here has, which are drawn as boxes; empty otherwise."""
    fonts = [font_manager.get_font(font_manager.findfont(FontProperties(family=family))) for family in STYLE["font.family"]]
    letters = {letter for text in texts for letter in visible(text, len(text) + 1)}
    if all(any(font.get_char_index(ord(letter)) for font in fonts) for letter in letters):
        return ""
    return "Boxes are letters that no font here has; install Noto Sans CJK, Noto Sans or Noto Emoji to see them."


def number_repeats(tokens: Sequence[str]) -> list[str]:
    """Number the words that occur more than once: the, cat, the -> the₁, cat, the₂."""
    total, seen, numbered = Counter(tokens), Counter(), []
    for token in tokens:
        seen[token] += 1
        once = total[token] == 1
        numbered.append(token if once else token + _subscript(seen[token]))
    return numbered


def _subscript(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def visible(label: str, longest: int = LONGEST_LABEL) -> str:
    """A label as it is drawn: outer spaces are shown as signs, and one of more than `longest` characters is cut."""
    label = label.replace("\n", "⏎").replace("\t", "⇥")
    inner = label.strip(" ")
    before = len(label) - len(label.lstrip(" "))
    label = "␣" * before + inner + "␣" * (len(label) - before - len(inner))
    return label if len(label) <= longest else label[: longest - 1] + "…"


def every(count: int, room: float, pitch: float) -> int:
    """The step between drawn labels, if `count` of them need `pitch` inches each and have `room`."""
    needed = count * pitch / room
    return next((step for step in (1, 2, 4, 8, 16, 32, 64) if step >= needed), math.ceil(needed))


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """The width of `text` in inches."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, False)[0] / 72


def text_on(colour_map: Colormap) -> list[dict]:
    """The arguments of Axes.text for text on each step of a map, so that it can be read in both themes.

    The text is white or INK: the one whose contrast, in the theme where it is lower, is higher. Where it is still
    below READABLE, the text gets a rim in the nearest colour of the map on which the text can be read.
    """
    steps = colour_map(np.arange(colour_map.N))[:, :3]
    contrasts = np.array([np.minimum(contrast(steps, ink), contrast(in_dark_theme(steps), in_dark_theme(ink)))
                          for ink in (PAPER, INK)])
    readable = np.flatnonzero(contrasts.max(0) >= READABLE)
    arguments = []
    for step in range(colour_map.N):
        nearest = readable[np.abs(readable - step).argmin()]
        arguments.append({
            "color": (PAPER, INK)[contrasts[:, nearest].argmax()],
            "path_effects": [] if nearest == step else [withStroke(linewidth=3, foreground=tuple(steps[nearest]))],
        })
    return arguments


def contrast(colours, others) -> np.ndarray:
    """The contrast of colours as WCAG 2.2 defines it, from 1 to 21."""
    one, other = luminance(colours) + 0.05, luminance(others) + 0.05
    return np.maximum(one, other) / np.minimum(one, other)


def luminance(colours) -> np.ndarray:
    rgb = to_rgba_array(colours)[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def in_dark_theme(colours) -> np.ndarray:
    """The colours (N, 3) that DARK_THEME shows for N colours, as the W3C's Filter Effects Module computes them."""
    inverted = 0.93 - 0.86 * to_rgba_array(colours)[:, :3]
    grey = inverted @ [[0.213], [0.715], [0.072]]
    return np.clip(2 * grey - inverted, 0, 1)  # half a turn of the hue
