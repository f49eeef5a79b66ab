"""What the widgets have in common: how they are shown, saved and exported."""

import base64
import html
import json
from dataclasses import replace
from pathlib import Path
from string import Template

import anywidget
from IPython.display import display
from matplotlib.colors import to_hex

from ninelives.figures import Picture
from ninelives.figures.style import ACCENT, BLUE, DARK_THEME, SIGNED_MAP, SKY
from ninelives.widgets.boxes import keep_stills_of_boxes
from ninelives.widgets.inline import inlined
from ninelives.widgets.own_traits import OwnTraits
from ninelives.widgets.page_network import as_script, carried

HERE = Path(__file__).parent
COLOURS = {"accent": ACCENT, "link": BLUE, "link-dark": SKY}  # CSS variables, with --nl- before their names
SIGNED = [to_hex(SIGNED_MAP.resampled(255)(k)) for k in range(255)]  # an odd number, so that 0 is exactly white
PAGE = Template((HERE / "page.html").read_text("utf-8"))

# A cell has three outputs: the picture, its words (with this in them), the widget.
HIDE_PICTURE_WHEN_LIVE = """

<span class="nl-still"></span>
<style>
.jp-OutputArea-child:has(.nl-still) + .jp-OutputArea-child:not(:has(.nl-explorer)),
.jp-OutputArea-child:has(.nl-still):has(+ .jp-OutputArea-child .nl-explorer),
.jp-OutputArea-child:has(+ .jp-OutputArea-child .nl-still):has(+ * + * .nl-explorer) {
  display: none;
}
</style>
"""


def browser_code(lab: str) -> str:
    """The JavaScript of a lab, with all that it imports."""
    return inlined(HERE / lab / "index.js")


def browser_style(lab: str) -> str:
    """The style of a lab, after the colours and controls that all labs use."""
    return "\n".join(path.read_text("utf-8") for path in (HERE / "base.css", HERE / lab / "style.css"))


class LabWidget(OwnTraits, anywidget.AnyWidget):
    """A widget with a still picture beside it, for pages without a running Python.

    A subclass has `picture`, `describe` and a useful `__repr__`. Its state holds only what JSON can hold, and bytes.
    """

    _is_shown = False
    _still_caption = "A still picture; run the cell to use it."

    def __init__(self, *args, **traits):
        super().__init__(*args, **traits)
        keep_stills_of_boxes()

    def picture(self) -> Picture:
        """The present state as a still picture."""
        raise NotImplementedError

    def describe(self) -> str:
        """The present state in words."""
        return self.picture().describe()

    def save_html(self, path: str | Path) -> None:
        """Write the widget to `path` as one page that works without Python or a network."""
        Path(path).write_text(self._page(), encoding="utf-8")

    def _page(self) -> str:
        still = self._picture_or_none()  # shown where no script runs; the words below it say the same
        png = still.image_output()["data"]["image/png"] if still else ""
        return PAGE.substitute(
            title=html.escape(repr(self)), style=self._css, dark=DARK_THEME, words=html.escape(self.describe()),
            picture=f'<img src="data:image/png;base64,{png}" alt="">' if still else "",
            networks="".join(f"<script>{as_script(*one)}</script>\n" for one in self._networks().items()),
            script=f"{self._esm}\n{inlined(HERE / 'js' / 'mount.js')}",
            # Inside a script element only "<" could end it.
            state=self._state_as_json().replace("<", "\\u003c"),
        )

    def _page_state(self) -> dict:
        """The synced traits that are the widget's own, and the name of the network with which a page computes."""
        return {name: getattr(self, name) for name in self._own_traits()} | carried(self._network)[1]

    def _network(self) -> dict | None:
        """What a page computes with, as `packed` makes it; None for a lab that asks no model. Raises CannotRunInPage."""
        return None

    def _networks(self) -> dict[str, dict]:
        """The network that a page with this widget needs, by its name; widgets that need the same one share it."""
        return carried(self._network)[0]

    def _state_as_json(self) -> str:
        """The state of a page; bytes in base64."""
        return json.dumps(self._page_state(), default=lambda data: base64.b64encode(data).decode())

    def _picture_or_none(self) -> Picture | None:
        """The picture, or None if there is nothing to draw."""
        return self.picture()

    def _repr_mimebundle_(self, **kwargs):
        # Never text/html here: in a notebook that is not trusted it would win over the PNG.
        data, metadata = self._widget_view()
        if picture := self._picture_or_none():
            still, _ = picture.outputs()
            data["image/png"] = still["data"]["image/png"]
            metadata = {**metadata, **still["metadata"]}
        return data, metadata

    def _ipython_display_(self) -> None:
        # In a notebook that is trusted, JupyterLab prefers the widget to the PNG of the same bundle even when no kernel
        # is there, and shows an error. So the picture and its words are outputs of their own, and a style shows either
        # them or the widget. Drawing takes longer than all else, so its place is kept and the picture comes last.
        self._is_shown = True
        still = self._still_or_none()
        if still:
            self._display({"data": {"text/plain": repr(self)}, "metadata": {}}, "picture")
            self._display(self._words_of(still), "words")
        display(self._widget_view()[0], raw=True)
        if still:
            self._display(still.image_output(), "picture", update=True)

    def _update_still(self, _change=None) -> None:
        """Keep the present state in the cell that shows the widget, and so in the notebook when it is saved."""
        if self._is_shown and (still := self._still_or_none()):
            self._display(still.image_output(), "picture", update=True)
            self._display(self._words_of(still), "words", update=True)

    def _still_or_none(self) -> Picture | None:
        picture = self._picture_or_none()
        return picture and replace(picture, caption=self._still_caption)

    def _words_of(self, still: Picture) -> dict:
        words = still.words_output()
        words["data"]["text/markdown"] += HIDE_PICTURE_WHEN_LIVE
        return words

    def _display(self, output: dict, what: str, update: bool = False) -> None:
        display(output["data"], metadata=output["metadata"], raw=True, display_id=f"{self.model_id}-{what}", update=update)

    def _widget_view(self) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_()
        return {**data, "text/plain": repr(self)}, metadata
