"""What came of a cell: its outputs, put together from messages that anyone may have written."""

import json
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from ninelives.grading.errors import KernelDied

WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass
class Outcome:
    """What became of a cell.

    Args:
        outputs: as a notebook holds them.
        error: the name of the exception that ended it; None where it went through.
        stopped: why it was stopped from outside, in one sentence; None where it was not.
        count: its number in the notebook.
    """

    outputs: list[NotebookNode] = field(default_factory=list)
    error: str | None = None
    stopped: str | None = None
    count: int | None = None

    @property
    def hidden(self) -> bool:
        """Whether it ended with an error that its outputs do not show."""
        return self.error is not None and not any(output.output_type == "error" for output in self.outputs)


class Outputs:
    """The outputs of one cell, put together from messages that anyone may have written."""

    def __init__(self, most: int) -> None:
        self.kept: list[NotebookNode] = []
        self.names: list[str | None] = []  # for each output, by which it can be updated
        self.left = most
        self.cut = self.clear_first = False

    def add(self, message: dict) -> None:
        """Raises KernelDied where it is no message of a kernel."""
        kind = message.get("output_type")
        if kind == "clear_output":
            if message.get("wait"):
                self.clear_first = True
            else:
                self._clear()
            return
        size = len(json.dumps(message))
        if size > self.left:
            if not self.cut:
                self.cut = True
                if kind == "stream" and isinstance(message.get("text"), str):
                    self.add(message | {"text": message["text"][: self.left // 8]})
                self._append(_output("stream", name="stdout", text="\n… The rest of the output is cut off.\n"))
            return
        self.left -= size
        if self.clear_first:
            self._clear()
        if kind == "stream" and message.get("name") in ("stdout", "stderr") and isinstance(message.get("text"), str):
            if self.kept and self.kept[-1].output_type == "stream" and self.kept[-1].name == message["name"]:
                self.kept[-1].text += message["text"]
            else:
                self._append(_output("stream", name=message["name"], text=message["text"]))
        elif kind in ("display_data", "execute_result") and is_bundle(message.get("data")):
            data, metadata = shown(message["data"]), told(message.get("metadata"))
            name = message.get("display_id") if isinstance(message.get("display_id"), str) else None
            if name and message.get("update"):
                for output, known in zip(self.kept, self.names):
                    if known == name:
                        output.data, output.metadata = NotebookNode(data), NotebookNode(metadata)
                return
            extra = {"execution_count": message.get("execution_count")} if kind == "execute_result" else {}
            if extra and not isinstance(extra["execution_count"], int):
                raise KernelDied("its messages were forged")
            self._append(_output(kind, data=NotebookNode(data), metadata=NotebookNode(metadata), **extra), name)
        elif kind == "error" and all(isinstance(message.get(key), str) for key in ("ename", "evalue")):
            lines = message.get("traceback")
            lines = [str(line) for line in lines] if isinstance(lines, list) else []
            self._append(_output("error", ename=message["ename"], evalue=message["evalue"], traceback=lines))
        else:
            raise KernelDied("its messages were forged")

    def _append(self, output: NotebookNode, name: str | None = None) -> None:
        self.kept.append(output)
        self.names.append(name)

    def _clear(self) -> None:
        self.kept.clear()
        self.names.clear()
        self.clear_first = False


def is_bundle(data: Any) -> bool:
    """Whether it maps MIME types to what a notebook may hold for them."""
    return isinstance(data, dict) and all(
        isinstance(kind, str) and (isinstance(value, str) or kind.endswith("json")) for kind, value in data.items())


def shown(data: dict) -> dict:
    """A bundle without widgets that no page could ask for their model."""
    return {kind: value for kind, value in data.items()
            if kind != WIDGET or isinstance(value, dict) and isinstance(value.get("model_id"), str)}


def told(metadata: Any) -> dict:
    """What pages can read of an output's metadata: width, alternative text and the like, for a kind such as image/png or for all.

    Names of files are nbconvert's own to give.
    """
    def simple(values: dict) -> dict:
        return {key: value for key, value in values.items() if isinstance(value, (str, int, float)) and "/" not in key and key != "filenames"}

    if not isinstance(metadata, dict):
        return {}
    return simple(metadata) | {kind: simple(values) for kind, values in metadata.items() if "/" in kind and isinstance(values, dict)}


def _output(kind: str, **fields: Any) -> NotebookNode:
    # Not by nbformat's own function, which looks at each one's schema: the whole is looked at once, when it is written.
    return NotebookNode(output_type=kind, **fields)
