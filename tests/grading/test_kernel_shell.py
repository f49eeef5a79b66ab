"""What a kernel does with a cell."""

import pytest

from helpers.kernels import LIMITS
from ninelives.grading import sandbox
from ninelives.grading.kernel_cells import class_name, dotted_names

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")


def test_names_from_code_run_before_a_cell_are_forgotten(run):
    run("x = 1")
    assert run("x + y", before="x, y = 2, 3").outputs[0].data["text/plain"] == "5"
    assert run("x").outputs[0].data["text/plain"] == "1" and run("y").error == "NameError"


def test_code_run_before_a_cell_can_be_looked_up_and_an_error_after_it_is_not_drawn(run):
    assert run("import inspect\nprint(inspect.getsource(f))", before="def f():\n    return 2").outputs[0].text == "def f():\n    return 2\n\n"
    failed = run("1 / 0", before="raise KeyError")
    assert failed.error == "ZeroDivisionError" and not failed.outputs
    assert run("1 / 0").outputs[0].output_type == "error"


def test_the_memory_of_a_failed_cell_is_freed_for_the_next(run):
    bomb = "import torch\ndef fill():\n    kept = []\n    while True: kept.append(torch.ones(1 << 22))\nfill()"
    assert run(bomb).error is not None
    assert run("kept = bytearray(300 << 20)").error is None


def test_the_name_of_an_error_is_read_without_running_its_code():
    def lie(self):
        raise KeyboardInterrupt

    name = type("Name", (str,), {"__bool__": lie, "__str__": lie, "__len__": lie})("Loud")
    loud = type("Meta", (type,), {"__name__": property(lie)})("Loud", (BaseException,), {"__class__": property(lie)})
    type.__dict__["__name__"].__set__(loud, name)
    assert class_name(loud) == "Loud" and type(class_name(loud)) is str


def test_an_error_comes_with_the_dotted_names_of_its_classes(run):
    outcome = run("class Own(KeyError): pass\nraise Own()")
    assert outcome.error == "Own"
    assert outcome.error_classes[:3] == ("__main__.Own", "builtins.KeyError", "builtins.LookupError")
    assert run("1").error_classes == ()


def test_a_class_with_an_odd_module_is_left_out():
    def lie(self):
        raise KeyboardInterrupt

    odd = type("Odd", (KeyError,), {"__module__": type("Module", (), {"__class__": property(lie)})()})
    assert dotted_names(odd())[0] == "builtins.KeyError"


def test_displays_are_updated_and_cleared(run):
    outcome = run("from IPython.display import display, clear_output\nprint('gone')\nclear_output()\n"
                  "shown = display('old', display_id=True)\nshown.update('new')\n42")
    assert [output.data["text/plain"] for output in outcome.outputs] == ["'new'", "42"]


def test_without_pictures_their_text_remains(kernels, folder):
    source = "import torch\nfrom ninelives import figures\nfigures.heatmap(torch.eye(2), rows=['a', 'b'], columns=['a', 'b'], title='t', caption='c')"
    with kernels.start(folder, LIMITS) as kernel:
        [output] = kernel.run(source, pictures=False).outputs
        assert list(output.data) == ["text/plain"] and "In words" in output.data["text/plain"]
        assert "image/png" in kernel.run(source).outputs[0].data
