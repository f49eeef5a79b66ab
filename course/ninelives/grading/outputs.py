"""The result of a cell: its outputs, assembled from messages that may have been forged."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from ninelives.grading.errors import KernelDied

MAX_SENT = 2 << 20  # bytes of the outputs of a submitted cell
WIDGET = "application/vnd.jupyter.widget-view+json"

# What a cell's output shows if it ran into a limit without being stopped from outside.
REFUSALS = {
    "EOF when reading a line": "asked for input, which nobody can type during grading",
    r"Operation not permitted|Permission denied|PermissionError|cross-device link|raise maximum limit"
    r"|\[Errno (1|13|18)\]":
        "tried something that the sandbox does not allow",
    r"MemoryError|[Cc]an(no|')t allocate memory|\[Errno 12\]": "needed more memory than it may use",
    r"File too large|\[Errno 27\]": "wrote a file larger than it may",
    r"can't start new thread|\[Errno 11\]": "tried to start more threads than it may",
}


@dataclass
class Outcome:
    """What running a cell led to.

    Args:
        outputs: as a notebook stores them.
        error: the name of the exception that ended the cell; None if it ran to its end.
        error_classes: the dotted names of the exception's class and base classes, as the kernel says.
        stopped: why it was stopped from outside, in one sentence; None if it was not.
        count: its number in the notebook.
    """

    outputs: list[NotebookNode] = field(default_factory=list)
    error: str | None = None
    error_classes: tuple[str, ...] = ()
    stopped: str | None = None
    count: int | None = None

    @property
    def hides_error(self) -> bool:
        """Whether it ended with an error that its outputs do not show."""
        return self.error is not None and not any(output.output_type == "error" for output in self.outputs)


def refusals(outcome: Outcome) -> list[str]:
    """The limits that a cell's output shows it ran into."""
    shown = "\n".join(f"{one.get('text')} {one.get('ename')}: {one.get('evalue')}" for one in outcome.outputs)
    return [reason for sign, reason in REFUSALS.items() if re.search(sign, shown)]


def number_in(outputs: list[NotebookNode]) -> float | None:
    """The value of a cell's last line, if it has one and it is a number."""
    try:
        return next(float(one.data["text/plain"]) for one in reversed(outputs) if one.output_type == "execute_result")
    except (StopIteration, KeyError, ValueError):
        return None


def outputs_as_sent(sent: list) -> list[NotebookNode]:
    """The outputs in a submitted notebook, without those that are not as a notebook stores them."""
    outputs = Outputs(MAX_SENT)
    for one in sent:
        with suppress(KernelDied, RecursionError, AttributeError):  # it may be no dictionary
            outputs.add({key: value if key == "traceback" else _joined(value) for key, value in one.items()})
    return outputs.kept


def _joined(value: Any) -> Any:
    """Text that a notebook stores as a list of lines, also in a MIME bundle."""
    if isinstance(value, dict):
        return {kind: _joined(part) for kind, part in value.items()}
    is_text = isinstance(value, list) and value and all(isinstance(line, str) for line in value)
    return "".join(value) if is_text else value


class Outputs:
    """The outputs of one cell, assembled from messages that may have been forged."""

    def __init__(self, max_bytes: int) -> None:
        self.kept: list[NotebookNode] = []
        self.display_ids: list[str | None] = []  # one for each output; None if it cannot be updated
        self.left = max_bytes
        self.cut = self.clear_first = False

    def add(self, message: dict) -> None:
        """Raises KernelDied if it is not a message that a kernel sends."""
        kind = message.get("output_type")
        if kind == "clear_output":
            if message.get("wait"):
                self.clear_first = True
            else:
                self._clear()
            return
        size = len(json.dumps(message))
        if size > self.left:
            self._cut(message)
            return
        self.left -= size
        if self.clear_first:
            self._clear()
        if kind == "stream":
            self._add_text(message)
        elif kind in ("display_data", "execute_result"):
            self._add_display(kind, message)
        elif kind == "error" and all(isinstance(message.get(key), str) for key in ("ename", "evalue")):
            lines = message.get("traceback")
            lines = [str(line) for line in lines] if isinstance(lines, list) else []
            self._append(_output("error", ename=message["ename"], evalue=message["evalue"], traceback=lines))
        else:
            raise KernelDied("its messages were forged")

    def _cut(self, message: dict) -> None:
        """Say once that the rest is left out, after the beginning of what did not fit."""
        if self.cut:
            return
        self.cut = True
        if message.get("output_type") == "stream" and isinstance(message.get("text"), str):
            self.add(message | {"text": message["text"][: self.left // 8]})
        self._append(_output("stream", name="stdout", text="\n… The rest of the output is cut off.\n"))

    def _add_text(self, message: dict) -> None:
        name, text = message.get("name"), message.get("text")
        if name not in ("stdout", "stderr") or not isinstance(text, str):
            raise KernelDied("its messages were forged")
        if self.kept and self.kept[-1].output_type == "stream" and self.kept[-1].name == name:
            self.kept[-1].text += text
        else:
            self._append(_output("stream", name=name, text=text))

    def _add_display(self, kind: str, message: dict) -> None:
        count = message.get("execution_count")
        if not is_mime_bundle(message.get("data")) or kind == "execute_result" and not isinstance(count, int):
            raise KernelDied("its messages were forged")
        data = NotebookNode(without_dead_widgets(message["data"]))
        metadata = NotebookNode(safe_metadata(message.get("metadata")))
        display_id = message.get("display_id") if isinstance(message.get("display_id"), str) else None
        if display_id and message.get("update"):
            for output, known in zip(self.kept, self.display_ids):
                if known == display_id:
                    output.data, output.metadata = data, metadata
            return
        extra = {"execution_count": count} if kind == "execute_result" else {}
        self._append(_output(kind, data=data, metadata=metadata, **extra), display_id)

    def _append(self, output: NotebookNode, display_id: str | None = None) -> None:
        self.kept.append(output)
        self.display_ids.append(display_id)

    def _clear(self) -> None:
        self.kept.clear()
        self.display_ids.clear()
        self.clear_first = False


def is_mime_bundle(data: Any) -> bool:
    """Whether it maps MIME types to values that a notebook may store for them."""
    return isinstance(data, dict) and all(
        isinstance(kind, str) and (isinstance(value, str) or kind.endswith("json")) for kind, value in data.items())


def without_dead_widgets(bundle: dict) -> dict:
    """A MIME bundle without widgets whose model no page could find."""
    return {
        kind: value for kind, value in bundle.items()
        if kind != WIDGET or isinstance(value, dict) and isinstance(value.get("model_id"), str)
    }


def safe_metadata(metadata: Any) -> dict:
    """The part of an output's metadata that pages read, such as width and alt text, for one MIME type or for all.

    File names are left out: nbconvert gives its own.
    """
    def simple(values: dict) -> dict:
        return {
            key: value for key, value in values.items()
            if isinstance(value, (str, int, float)) and "/" not in key and key != "filenames"
        }

    if not isinstance(metadata, dict):
        return {}
    by_type = {kind: simple(values) for kind, values in metadata.items() if "/" in kind and isinstance(values, dict)}
    return simple(metadata) | by_type


def _output(kind: str, **fields: Any) -> NotebookNode:
    # nbformat's own function validates each output; the whole notebook is validated once, when it is written.
    return NotebookNode(output_type=kind, **fields)
