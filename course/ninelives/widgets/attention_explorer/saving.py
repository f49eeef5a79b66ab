"""The files of an explorer, for Python and for the menu in the browser."""

from pathlib import Path

from ninelives.figures.picture import FORMATS
from ninelives.widgets.attention_explorer.encoding import MOST_OF_A_PAGE, as_state, fits
from ninelives.widgets.attention_explorer.on_demand import answer_with_numbers

MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


def save(explorer, path: str | Path) -> None:
    ending = Path(path).suffix.lower()
    if ending == ".html":
        explorer.save_html(path)
    elif ending[1:] in FORMATS:
        explorer.picture().save(path)
    else:
        raise ValueError(f"{str(path)!r} must end in .pdf, .svg, .png or .html.")


def whole_data(explorer) -> list[dict]:
    """For a page, where there is no Python to ask, the maps of all heads."""
    if not all(fits(part, MOST_OF_A_PAGE) for part in explorer.parts.values()):
        layers, heads = explorer.attentions.shape[:2]
        raise ValueError(
            f"A page with all {layers} × {heads} heads of {len(explorer.rows)} {explorer.parts[explorer.part].item}s takes more than {MOST_OF_A_PAGE // 10**6} MB; "
            "make an explorer of some of them, such as layers=[0, 5] or heads=[3], and save that."
        )
    return [as_state(name, part, page=True) for name, part in explorer.parts.items()]


def answer(explorer, content: dict) -> None:
    """Send what the browser asks for: numbers, or a file."""
    ending = content.get("ask")
    if ending in ("map", "thumbs", "link", "shares", "why"):
        answer_with_numbers(explorer, content)
    elif ending == "html":
        try:
            explorer.send({"kind": "file", "ending": ending, "type": "text/html"}, [explorer._page().encode()])
        except ValueError as refusal:
            explorer.send({"kind": "refusal", "says": str(refusal)}, [])
    elif ending == "explanation":
        picture = explorer.why(content["from"], content["to"])
        explorer.send({"kind": "file", "ending": "pdf", "type": MEDIA_TYPES["pdf"], "what": "why"}, [picture.as_file("pdf")])
    elif ending in FORMATS and (picture := explorer._picture_or_none()):
        explorer.send({"kind": "file", "ending": ending, "type": MEDIA_TYPES[ending]}, [picture.as_file(ending)])
