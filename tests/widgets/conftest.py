import json
import os
from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "widgets_js" / "cases"


@pytest.fixture
def same_in_javascript():
    """Compare what Python says of states of a lab with `<lab>.json`, with which the JavaScript tests compare the browser's words.

    With WRITE_CASES=1 in the environment the file is written instead.
    """

    def check(lab: str, cases: list[tuple]) -> None:
        """`cases`: a widget and what it says, by name, each."""
        cases = [{"state": json.loads(widget._state_as_json()), "says": says} for widget, says in cases]
        for case in cases:
            del case["state"]["colours"]  # many, and no words depend on them
        path = CASES / f"{lab}.json"
        if os.environ.get("WRITE_CASES"):
            lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
            path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        written = json.loads(path.read_text("utf-8"))
        # Numbers may differ in their last digits from machine to machine.
        assert [(list(case["state"]), case["says"]) for case in written] == [(list(case["state"]), case["says"]) for case in cases]

    return check
