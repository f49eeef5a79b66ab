"""What the tests read from a picture."""

from matplotlib.text import Text

from ninelives.figures import Picture


def texts(picture: Picture) -> list[str]:
    """Every text of the picture: title, labels, numbers, notes (wrapped lines joined)."""
    found = [text.get_text() for text in picture.figure.findobj(Text) if text.get_visible()]
    return [" ".join(text.split("\n")) for text in found if text]
