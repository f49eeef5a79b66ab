"""What the widgets of a notebook know when it has run. Called inside its kernel, in a cell before all others and one after."""

import base64
import json

import ipywidgets
from IPython.display import display

from ninelives.widgets.lab_widget import LabWidget

WIDGETS = "application/vnd.ninelives.widgets+json"
_made: list[LabWidget] = []


def watch() -> None:
    """Remember every widget of the course that is made from now on."""
    ipywidgets.Widget.on_widget_constructed(lambda widget: _made.append(widget) if isinstance(widget, LabWidget) else None)


def show() -> None:
    """Display the state of each widget, as on an exported page, with its lab and its networks, by the model's id."""
    found = {widget.model_id: {"lab": lab_of(type(widget)), "state": _plain(widget._page_state()), "networks": networks_of(widget)}
             for widget in _made}
    display({WIDGETS: found, "text/plain": f"{len(found)} widgets"}, raw=True)


def lab_of(widget: type[LabWidget]) -> str:
    """The folder of the lab that a class of widgets is in: "mask_lab"."""
    return widget.__module__.removeprefix("ninelives.widgets.").partition(".")[0]


def networks_of(widget: LabWidget) -> dict:
    """The weights that the widget computes with in a page, by name; most have none."""
    return widget._networks() if hasattr(widget, "_networks") else {}


def _plain(state: dict) -> dict:
    """With bytes in base64."""
    return json.loads(json.dumps(state, default=lambda data: base64.b64encode(data).decode()))
