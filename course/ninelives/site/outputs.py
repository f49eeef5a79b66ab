"""Outputs of cells: on a page, and in a notebook that GitHub shows.

A picture of the course is two outputs, the PNG and its words; a widget is three, its still picture, the words and a view.
On a page a picture is one figure. A widget is a figure that its script replaces by the widget itself.
"""

import base64
import hashlib
import html
import re
import struct
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

OUTCOME = "hide-output"  # MyST-NB's name for the tag of a cell whose output is folded
VIEW = "application/vnd.jupyter.widget-view+json"
WORDS = re.compile(r"\A\*(?P<caption>.*?)\*\s+(?P<words><details>.*?</details>)", re.DOTALL)
WITHOUT_SCRIPTS = "A still picture; to use it, allow JavaScript on this page, or run the notebook."


class Placed(NamedTuple):
    """A widget on a page: the id of its element, its lab, its state and the networks that it computes with."""

    id: str
    lab: str
    state: dict
    networks: dict


def on_a_page(notebook: NotebookNode, pictures: Path) -> list[Placed]:
    """Turn the pictures and widgets of a notebook into HTML, in place; the pictures' files are written to a folder.

    Returns the widgets in the order of the page.
    """
    placed: list[Placed] = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = _outputs_of_a_page(cell.outputs, notebook.metadata.ninelives_widgets, pictures, placed)
    del notebook.metadata["ninelives_widgets"]
    return placed


def _outputs_of_a_page(outputs: list[NotebookNode], widgets: dict, pictures: Path, placed: list[Placed]) -> list[NotebookNode]:
    made, figure, words = [], "", ""
    for output in outputs:
        data = output.get("data", {})
        if VIEW in data:
            known = widgets.get(data[VIEW]["model_id"])
            if known:
                name = f"widget-{len(placed) + 1}"
                placed.append(Placed(name, known["lab"], known["state"], known["networks"]))
                still = f"<p>{html.escape(data['text/plain'])}</p>"
                if figure:  # it is the output before
                    made.pop()
                    still = _figure(figure, WITHOUT_SCRIPTS, words)
                made.append(_html(f'<div class="nl-live" id="{name}">{still}</div>'))
            figure = words = ""
        elif "image/png" in data:
            figure = _image(base64.b64decode(data["image/png"]), output.metadata.get("alt", ""), pictures)
            words = ""
            made.append(_html(_figure(figure)))
        elif figure and (said := WORDS.match(data.get("text/markdown", ""))):
            words = said["words"]
            made[-1] = _html(_figure(figure, said["caption"], words))
        else:
            made.append(output)
            figure = words = ""
    return made


def _html(text: str) -> NotebookNode:
    return NotebookNode(output_type="display_data", data={"text/html": text}, metadata={})


def _figure(image: str, caption: str = "", words: str = "") -> str:
    said = f"<figcaption>{caption}{words}</figcaption>" if caption else ""
    return f'<figure class="nl-figure">{image}{said}</figure>'


def _image(png: bytes, alt: str, pictures: Path) -> str:
    """The picture's element; its file is named after its content."""
    name = f"{hashlib.sha256(png).hexdigest()[:16]}.png"
    pictures.mkdir(parents=True, exist_ok=True)
    (pictures / name).write_bytes(png)
    width, height = struct.unpack(">II", png[16:24])
    return (f'<img src="../_static/pictures/{name}" alt="{html.escape(alt)}" width="{width}" height="{height}" '
            'loading="lazy" decoding="async">')


def on_github(notebook: NotebookNode, page: str) -> None:
    """Leave what is readable without JupyterLab: pictures, their words and texts, in place.

    GitHub folds no output: of what answers a question a line is left, with the address of the page that folds it.
    """
    del notebook.metadata["ninelives_widgets"]
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if cell.outputs and OUTCOME in cell.metadata.get("tags", []):
            words = f"What this cell shows answers the question above. Answer first, then run the cell, or unfold it on its page: {page}"
            cell.outputs = [nbformat.v4.new_output("stream", text=f"{words}\n")]
        cell.outputs = [output for output in cell.outputs if VIEW not in output.get("data", {})]
        for output in cell.outputs:
            if "text/markdown" in output.get("data", {}):
                output.data["text/markdown"] = re.sub(r"\s*<span class=\"nl-[^>]*></span>\s*<style>.*?</style>\s*|<style>.*?</style>",
                                                      "", output.data["text/markdown"], flags=re.DOTALL)
