"""The still picture of a lab that can only show its sentence."""

from matplotlib.figure import Figure

from ninelives.figures import Picture
from ninelives.figures.style import LABEL_SIZE, WIDTH, place_axes, put_note, put_title
from ninelives.widgets.arguments import truncated


def words_alone(sentence: str, *, title: str, note: str, caption: str, alt: str) -> Picture:
    """The sentence, with a note below it that says why there is no more."""

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 0.2, 0.5, WIDTH - 0.4, 0.3)
        axes.set_axis_off()
        axes.text(0, 0.5, truncated(sentence) or "(no sentence)", size=LABEL_SIZE, ha="left", va="center")
        put_note(figure, note)
        put_title(figure, title)

    return Picture(draw, caption, alt)
