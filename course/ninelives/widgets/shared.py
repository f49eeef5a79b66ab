"""What the widgets have in common: how they are shown, saved and exported."""

import html
import json
from dataclasses import replace
from pathlib import Path

import anywidget
from IPython.display import display

from ninelives.figures import Picture
from ninelives.widgets.attention_explorer import PAGE, STILL_OR_ALIVE

HERE = Path(__file__).parent


def browser_code(name: str) -> str:
    """The widget's JavaScript, behind what all widgets share."""
    return (HERE / "shared.js").read_text("utf-8") + "\n" + (HERE / f"{name}.js").read_text("utf-8")


def browser_style(name: str) -> str:
    """The widget's style, behind the explorer's, whose colours and controls all widgets use."""
    return "\n".join((HERE / f"{file}.css").read_text("utf-8") for file in ("attention_explorer", name))


class Drawn(anywidget.AnyWidget):
    """A widget with a still picture beside it, for wherever there is no Python to bring it to life.

    A subclass has `picture`, `describe` and a useful `__repr__`, and its state holds only
    what JSON can.
    """

    def picture(self) -> Picture:
        """The present state as a still picture."""
        raise NotImplementedError

    def describe(self) -> str:
        """The present state in words."""
        return self.picture().describe()

    def save_html(self, path: str | Path) -> None:
        """Write the widget to `path` as one page that works without Python or a network."""
        state = {name: getattr(self, name) for name in self.keys if not name.startswith("_")}
        for name in ("layout", "tabbable", "tooltip"):
            state.pop(name, None)
        page = PAGE.format(
            title=html.escape(repr(self)),
            style=self._css,
            words=html.escape(self.describe()),
            script=self._esm,
            # Inside a script element only "<" could end it.
            state=json.dumps(state).replace("<", "\\u003c"),
        )
        Path(path).write_text(page, encoding="utf-8")

    def _repr_mimebundle_(self, **kwargs):
        # Never text/html here: in a notebook that is not trusted it would win over the PNG.
        data, metadata = self._widget_view()
        still, _ = self.picture().outputs()
        data["image/png"] = still["data"]["image/png"]
        return data, {**metadata, **still["metadata"]}

    def _ipython_display_(self) -> None:
        # Three outputs, as of the attention explorer: picture, words, and the widget that hides them.
        still, words = replace(self.picture(), caption="A still picture; run the cell to use it.").outputs()
        words["data"]["text/markdown"] += STILL_OR_ALIVE
        for output in (still, words):
            display(output["data"], metadata=output["metadata"], raw=True)
        display(self._widget_view()[0], raw=True)

    def _widget_view(self) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_()
        return {**data, "text/plain": repr(self)}, metadata
