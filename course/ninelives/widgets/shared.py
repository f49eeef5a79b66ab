"""What the widgets have in common: how they are shown, saved and exported."""

import base64
import html
import json
from dataclasses import replace
from pathlib import Path

import anywidget
from IPython.display import display

from ninelives.figures import Picture

HERE = Path(__file__).parent

# The three outputs of a cell: picture, words (with this in it), widget.
STILL_OR_ALIVE = """

<span class="nl-still"></span>
<style>
.jp-OutputArea-child:has(.nl-still) + .jp-OutputArea-child:not(:has(.nl-explorer)),
.jp-OutputArea-child:has(.nl-still):has(+ .jp-OutputArea-child .nl-explorer),
.jp-OutputArea-child:has(+ .jp-OutputArea-child .nl-still):has(+ * + * .nl-explorer) {
  display: none;
}
</style>
"""

# The policy makes the browser itself refuse any request.
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>body {{ max-width: 1120px; margin: 24px auto; padding: 0 16px; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #16191d; }} }}
{style}</style>
</head>
<body>
<div id="explorer"><p>{words}</p></div>
<script type="module">
{script}
mount(document.getElementById("explorer"), {state});
</script>
</body>
</html>
"""


def browser_code(name: str) -> str:
    """The widget's JavaScript, behind what all widgets share."""
    return (HERE / "shared.js").read_text("utf-8") + "\n" + (HERE / f"{name}.js").read_text("utf-8")


def browser_style(*names: str) -> str:
    """The widget's own style, behind the explorer's, whose colours and controls all widgets use."""
    return "\n".join((HERE / f"{file}.css").read_text("utf-8") for file in ("attention_explorer", *names))


class Drawn(anywidget.AnyWidget):
    """A widget with a still picture beside it, for wherever there is no Python to bring it to life.

    A subclass has `picture`, `describe` and a useful `__repr__`. Its state holds only what
    JSON can, and bytes.
    """

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
        state = {name: getattr(self, name) for name in self.keys if not name.startswith("_")}
        for name in ("layout", "tabbable", "tooltip"):
            state.pop(name, None)
        return PAGE.format(
            title=html.escape(repr(self)),
            style=self._css,
            words=html.escape(self.describe()),
            script=self._esm,
            # Inside a script element only "<" could end it.
            state=json.dumps(state, default=lambda data: base64.b64encode(data).decode()).replace("<", "\\u003c"),
        )

    def _still(self) -> Picture | None:
        """The picture, or None where there is nothing to be drawn."""
        return self.picture()

    def _repr_mimebundle_(self, **kwargs):
        # Never text/html here: in a notebook that is not trusted it would win over the PNG.
        data, metadata = self._widget_view()
        if picture := self._still():
            still, _ = picture.outputs()
            data["image/png"] = still["data"]["image/png"]
            metadata = {**metadata, **still["metadata"]}
        return data, metadata

    def _ipython_display_(self) -> None:
        # In a notebook that is trusted, JupyterLab prefers the widget to the PNG of the same
        # bundle even when no kernel is there to bring it to life, and shows an error. So the
        # picture and its words are outputs of their own, and a style shows one or the other.
        if picture := self._still():
            still, words = replace(picture, caption="A still picture; run the cell to use it.").outputs()
            words["data"]["text/markdown"] += STILL_OR_ALIVE
            for output in (still, words):
                display(output["data"], metadata=output["metadata"], raw=True)
        display(self._widget_view()[0], raw=True)

    def _widget_view(self) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_()
        return {**data, "text/plain": repr(self)}, metadata
