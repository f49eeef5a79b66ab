"""The files of an explorer, for Python and for the menu in the browser."""

from pathlib import Path

from ninelives.figures.picture import FORMATS

MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


def save(explorer, path: str | Path) -> None:
    if Path(path).suffix == ".html":
        explorer.save_html(path)
    elif Path(path).suffix[1:] in FORMATS:
        explorer.picture().save(path)
    else:
        raise ValueError(f"{str(path)!r} must end in .pdf, .svg, .png or .html.")


def answer(explorer, content: dict) -> None:
    """Send the file that the browser asks for."""
    ending = content.get("ask")
    if ending == "html":
        explorer.send({"kind": "file", "ending": ending, "type": "text/html"}, [explorer._page().encode()])
    elif ending in FORMATS and (picture := explorer._picture_or_none()):
        explorer.send({"kind": "file", "ending": ending, "type": MEDIA_TYPES[ending]}, [picture.as_file(ending)])
