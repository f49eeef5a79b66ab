"""Still pictures of widgets that stand in a box: `VBox([first, second])` alone would leave none in a saved notebook."""

import ipywidgets
from IPython import get_ipython
from IPython.display import display

# As for one widget, but the pictures of all come first, and then the box.
HIDE_WHEN_LIVE = """

<span class="nl-boxed"></span>
<style>
.jp-OutputArea-child:has(+ .jp-OutputArea-child .nl-boxed):has(~ .jp-OutputArea-child .nl-explorer),
.jp-OutputArea-child:has(.nl-boxed):has(~ .jp-OutputArea-child .nl-explorer),
.jp-OutputArea-child:has(.nl-boxed) + .jp-OutputArea-child:not(:has(.nl-explorer, img, .nl-boxed)) {
  display: none;
}
</style>
"""


def keep_stills_of_boxes() -> None:
    """In IPython, let the display of a box begin with the still pictures of the labs in it."""
    if shell := get_ipython():
        shell.display_formatter.ipython_display_formatter.for_type(ipywidgets.Box, display_box)


def display_box(box: ipywidgets.Box) -> None:
    for lab in _labs_in(box):
        if picture := lab._picture_or_none():
            still, words = picture.outputs()
            words["data"]["text/markdown"] += HIDE_WHEN_LIVE
            for output in (still, words):
                display(output["data"], metadata=output["metadata"], raw=True)
    display(box._repr_mimebundle_(), raw=True)


def _labs_in(box: ipywidgets.Box) -> list:
    labs = []
    for child in box.children:
        labs += [child] if hasattr(child, "_picture_or_none") else _labs_in(child) if isinstance(child, ipywidgets.Box) else []
    return labs
