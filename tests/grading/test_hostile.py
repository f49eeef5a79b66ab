"""A class with many broken and hostile submissions: each gets the points it deserves and a reason, and none escapes."""

import json
import os
import re
import socket
import threading
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

import ninelives
from helpers.classroom import (
    ANSWERS,
    NAME,
    SOFTMAX,
    SPLIT,
    api,
    command,
    filled,
    make_course,
    make_deep,
    released,
    send,
    succeed,
)
from helpers.leaks import leaks
from ninelives.grading.folders import everything_in, remove

FULL, HALF = 6, 3  # both exercises; the one that the attack leaves alone
SECRET = "the-instructors-secret"
SETTINGS = ("c.ExecutePreprocessor.timeout = 5", "c.Sandbox.memory = 600", "c.Sandbox.disk = 40", f"# {SECRET}")
WAITS = "import time\nwhile True: time.sleep(60)"  # an endless loop that leaves the processor to others
# What only this run would leave: another may be under way beside it.
STARTED = f"{8_000_000 + os.getpid()}"  # seconds that a process left behind would sleep
EVIL = Path(f"/tmp/ninelives-evil-{os.getpid()}")


def after(code: str) -> dict:
    """Right answers, and then an attack that continues after any error."""
    lines = "\n".join(f"    {line}" for line in code.strip().split("\n"))
    return ANSWERS | {"split-heads": f"{SPLIT}\ntry:\n{lines}\nexcept Exception as problem:\n    print(repr(problem)[:200])"}


def inside(code: str, imports: str = "") -> dict:
    """One answer that does harm when it is called, and one right answer."""
    lines = "\n".join(f"    {line}" for line in code.strip().split("\n"))
    return ANSWERS | {"split-heads": f"{imports}\ndef split_heads(x, n_head):\n{lines}"}


def instead(code: str) -> dict:
    """No answers; an attack that tries to earn the points."""
    return {"split-heads": f"{code}\nsplit_heads = masked_softmax = lambda *arguments: None",
            "masked-softmax": "masked_softmax = lambda *arguments: None"}


def around(first: str, last: str):
    """No answers; code in a cell before the exercises, and more after the last check."""
    def made(course):
        notebook = filled(course, {"split-heads": "split_heads = masked_softmax = lambda *arguments: None",
                                   "masked-softmax": "masked_softmax = lambda *arguments: None"})
        notebook.cells.insert(2, new_code_cell(first))
        notebook.cells.append(new_code_cell(last))
        return notebook
    return made


PATCH = "from ninelives.checks.exercise import Exercise\nright = Exercise.__call__\nExercise.__call__ = lambda *arguments, **named: None\n"


def raising(kind: str, more: str = "") -> dict:
    """Answers that raise an unusual exception, so that the error may go unnoticed."""
    return {"split-heads": f"class Quiet(BaseException):\n    {kind}\n{more}\ndef split_heads(x, n_head): raise Quiet",
            "masked-softmax": "def masked_softmax(scores, mask): raise Quiet"}


def edited(change):
    """A right notebook with changed cells."""
    def made(course):
        notebook = filled(course, ANSWERS)
        return change(notebook) or notebook
    return made


def named(notebook, name):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def without(*names):
    return edited(lambda notebook: notebook.update(
        cells=[cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") not in names]))


def marked(name, **metadata):
    return edited(lambda notebook: named(notebook, name).metadata.nbgrader.update(metadata))


def all_marked(**metadata):
    return edited(lambda notebook: [cell.metadata.nbgrader.update(metadata) for cell in notebook.cells if "nbgrader" in cell.metadata] and None)


def copied(name, source):
    def change(notebook):
        cell = nbformat.from_dict(named(notebook, name))
        cell.id, cell.source = "copy", source
        notebook.cells.append(cell)
    return edited(change)


def retyped(name, kind):
    def change(notebook):
        cell = named(notebook, name)
        cell.cell_type = kind
        for key in ("outputs", "execution_count"):
            cell.pop(key, None)
    return edited(change)


def reversed_order(notebook):
    notebook.cells.reverse()


def without_names(notebook):
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)


def written(text):
    return edited(lambda notebook: notebook.cells.insert(5, new_markdown_cell(text)))


def as_text(change):
    return lambda course: change(json.dumps(filled(course, ANSWERS), indent=1))


def old_format(course):
    cells = [{"cell_type": c.cell_type, "metadata": c.metadata, **({"input": c.source, "language": "python", "outputs": []}
              if c.cell_type == "code" else {"source": c.source})} for c in filled(course, ANSWERS).cells]
    return json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"metadata": {}, "cells": cells}]})


WITH_DATA = ANSWERS | {"split-heads": f"assert open('data.txt').read() == '7'\n{SPLIT}"}
TAKE_OVER = """\
import sys, json
def take_over():
    frame = sys._getframe()
    while "channel" not in frame.f_locals or "cell" not in frame.f_locals:
        frame = frame.f_back
    channel, cell = frame.f_locals["channel"], frame.f_locals["cell"]
    while True:
        channel.send({"done": cell["token"], "error": None, "count": 1})
        cell = json.loads(channel.lines.readline())
"""

# kind: (what is typed or done, the points it deserves, what the notes must say of it; None where nothing is to be said)
KINDS = {
    "endless loop": (inside("while True: pass"), HALF, "more than 5 seconds"),
    "endless loop in a plain cell": (edited(lambda n: n.cells.insert(2, new_code_cell(WAITS))), FULL,
                                     r"An ungraded cell was stopped: it ran for more than 5 seconds"),
    "loop that ignores interrupts": (inside(f"signal.signal(signal.SIGINT, signal.SIG_IGN)\n{WAITS}", "import signal"),
                                     HALF, "could not be interrupted"),
    "loop that swallows interrupts": (inside("while True:\n    try:\n        while True: time.sleep(60)\n    except BaseException: pass",
                                             "import time"), HALF, "more than 5 seconds"),
    "leaves without a word": (inside("os._exit(0)", "import os"), HALF, "ended itself with status 0"),
    "leaves at once": (ANSWERS | {"split-heads": "import os\nos._exit(7)"}, HALF, "ended itself with status 7"),
    "kills itself": (inside("os.kill(os.getpid(), 9)", "import os"), HALF, "SIGKILL"),
    "crashes": (inside("ctypes.string_at(0)", "import ctypes"), HALF, "SIGSEGV"),
    "endless recursion": (inside("return split_heads(x, n_head)"), HALF, None),
    "sys.exit": (after("import sys\nsys.exit(0)"), FULL, None),
    "syntax error": (ANSWERS | {"split-heads": "def split_heads(x, n_head) return x"}, HALF, None),
    "memory bomb": (inside("kept = []\nwhile True: kept.append(bytearray(1 << 26))"), HALF, "more memory"),
    "memory bomb in tensors": (inside("kept = []\nwhile True: kept.append(torch.ones(1 << 24))"), HALF, "more memory"),
    "shared memory bomb": (inside("kept = []\nwhile True:\n    kept.append(mmap.mmap(-1, 1 << 26))\n    kept[-1].write(b'1' * (1 << 26))",
                                  "import mmap"), HALF, "more memory"),
    "fork bomb": (after("import os\nwhile True: os.fork()"), FULL, "does not allow"),
    "thread bomb": (inside("threading.stack_size(65536)\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()",
                           "import threading, time"), HALF, "threads"),
    "process left behind": (after(f"import subprocess\nsubprocess.Popen(['sleep', '{STARTED}'])"), FULL, "does not allow"),
    "multiprocessing": (after(f"import multiprocessing, time\nmultiprocessing.Process(target=time.sleep, args=({STARTED},)).start()"), FULL, "does not allow"),
    "shell": (after(f"import os\nprint(os.system('sleep {STARTED} &'))"), FULL, None),
    "file of 10 GB": (after("with open('large', 'wb') as file:\n    while True: file.write(b'1' * (1 << 20))"), FULL, "larger than it may"),
    "many files": (inside("for i in range(10**6): open(str(i), 'wb').write(b'1' * (1 << 20))"), HALF, "MB of files|more than 5 seconds"),
    "removed files that are open": (after("import os, time\nkept = []\nfor i in range(20):\n    kept.append(open('file', 'wb', buffering=0))\n"
        "    os.unlink('file')\n    kept[-1].write(b'1' * (19 << 20))\n    time.sleep(0.1)"), HALF, "MB of files"),
    "removed files that are mapped": (after("import os, time, safetensors.torch as files\nkept = []\nfor i in range(20):\n"
        "    files.save_file({'a': torch.ones(19 << 18)}, 'file')\n    kept.append(files.load_file('file'))\n    os.unlink('file')\n    time.sleep(0.1)"), HALF, "MB of files"),
    "folders in folders": (inside("while True:\n    os.mkdir('d')\n    os.chdir('d')", "import os"), HALF, "cannot be opened"),
    "folders in folders, quickly": (after("import os\nfor _ in range(1500):\n    os.mkdir('d')\n    os.chdir('d')"), HALF, "cannot be opened"),
    "prints without end": (inside("while True: print('and so on' * 100)"), HALF, "more than 5 seconds|far too much output"),
    "prints much": (after("print('and so on' * 10**6)"), FULL, None),
    "prints deeply": (after("from IPython.display import display\nfor i in range(3000): display({'a': i})"), FULL, None),
    "prints half a character": (after("print('\\ud83d')"), FULL, None),
    "half a character in the source": (ANSWERS | {"split-heads": f"{SPLIT}\n# \ud83d"}, FULL, None),
    "displays deeply nested JSON": (after("nested = []\nfor _ in range(600): nested = [nested]\ndisplay({'application/json': nested}, raw=True)"),
                                    HALF, "forged"),
    "network to loopback": (after("import socket\nsocket.create_connection(('127.0.0.1', PORT), 2).send(b'out')"), FULL, "does not allow"),
    "network outside": (after("import urllib.request\nurllib.request.urlopen('http://93.184.215.14/', timeout=2)"), FULL, "does not allow"),
    "datagrams": (after("import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'out', ('127.0.0.1', PORT))"), FULL, "does not allow"),
    "reads what is the instructor's": (after(
        "import pathlib\nfor place in ['COURSE/gradebook.db', 'COURSE/solutions', 'COURSE/submitted/honest', 'COURSE/nbgrader_config.py', '/etc/passwd', '/root']:\n"
        "    place = pathlib.Path(place)\n    try:\n        print(place.read_bytes() if place.is_file() else list(place.iterdir()))\n"
        "    except OSError as problem: print(problem)"), FULL, "does not allow"),
    "reads the environment": (after("import os\nprint(dict(os.environ))\nprint(open(f'/proc/{os.getppid()}/environ').read())"), FULL, "does not allow"),
    "reads another's memory": (after("import os\nopen(f'/proc/{os.getppid()}/mem', 'rb').read(1)"), FULL, "does not allow"),
    "writes to the gradebook": (after("open('COURSE/gradebook.db', 'ab').write(b'1')"), FULL, "does not allow"),
    "takes rights away": (after("import os\nos.chmod('COURSE/gradebook.db', 0)\nos.utime('COURSE/gradebook.db', (0, 0))\nos.truncate('COURSE/gradebook.db', 0)"),
                          FULL, "does not allow"),
    "deletes and renames": (after("import os\ntry: os.rename('COURSE/gradebook.db', 'mine')\nfinally: os.unlink('COURSE/gradebook.db')"), FULL, "does not allow"),
    "links to the gradebook": (after("import os\nos.link('COURSE/gradebook.db', 'mine')"), FULL, "does not allow"),
    "writes to HOME and /tmp": (after(f"import pathlib\npathlib.Path('~/.profile').expanduser().write_text('evil')\npathlib.Path('{EVIL}').write_text('evil')"),
                                FULL, "does not allow"),
    "deletes its own folder": (after("import shutil\nshutil.rmtree('.', ignore_errors=True)"), FULL, None),
    "signals to others": (after("import os\nfor pid in [os.getppid(), 1, -1, 0]:\n    try: os.kill(pid, 9)\n    except OSError as problem: print(problem)"), FULL, "does not allow"),
    "limits of others": (after("import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))"), FULL, "does not allow"),
    "raises its own limits": (after("import resource\nresource.setrlimit(resource.RLIMIT_DATA, (-1, -1))"), FULL, "does not allow"),
    "new namespaces": (after("import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
                             "assert libc.unshare(0x10000000) < 0 and libc.mount(b'none', b'/', b'tmpfs', 0, None) < 0\nprint('refused')"), FULL, None),
    "edits the checks in place": (instead("import ninelives.checks.attention as it\ntry: open(it.__file__, 'w').write('')\nexcept OSError as problem: print(problem)"),
                                  0, "does not allow"),
    "replaces the checks": (instead("from ninelives.checks.exercise import Exercise\nExercise.__call__ = lambda *arguments, **named: None"), 0, "deliberately wrong answer"),
    "replaces one check": (ANSWERS | {"split-heads": "split_heads = check.split_heads = lambda *arguments, **named: None"}, HALF, "deliberately wrong answer"),
    "replaces torch.allclose and its like": (ANSWERS | {"split-heads": "import ninelives.checks.exercise as _it\n"
        "torch.allclose = torch.equal = _it.Exercise.want_values = lambda *arguments, **named: True\n"
        "def split_heads(x, n_head):\n    return torch.zeros(x.shape[0], n_head, x.shape[1], x.shape[2] // n_head)"}, 1, "deliberately wrong answer"),
    "replaces the checks for a while": (around("class check:\n    split_heads = masked_softmax = lambda *arguments, **named: None",
                                               "import ninelives.checks.attention as check"), 0, "deliberately wrong answer"),
    "puts the checks back at the end": (around(PATCH, "Exercise.__call__ = right"), 0, "deliberately wrong answer"),
    "lets its patch be forgotten": (around(PATCH + WAITS, "import os\nos._exit(0)"), 0, "deliberately wrong answer"),
    "dies of the known wrong answer": (around(
        PATCH + "import os\nExercise.__call__ = lambda self, answer, *rest, **named: answer.__code__.co_argcount and os._exit(0)", "pass"), 0, "deliberately wrong answer"),
    "tensors that are equal to all": (ANSWERS | {"split-heads": """\
class Equal(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, arguments=(), named=None):
        if function.__name__ in ("sub", "rsub", "__sub__"):
            return torch.zeros(1, dtype=torch.float64)
        return super().__torch_function__(function, types, arguments, named or {})
def split_heads(x, n_head):
    return torch.zeros(x.shape[0], n_head, x.shape[1], x.shape[2] // n_head).as_subclass(Equal)"""}, HALF, None),
    "strips asserts and checks": (instead("import ast\nclass Strip(ast.NodeTransformer):\n"
        "    def visit_Expr(self, node): return ast.Pass()\n    visit_Assert = visit_Expr\nget_ipython().ast_transformers.append(Strip())"), 0, "deliberately wrong answer"),
    "patches IPython": (instead("from IPython.core.interactiveshell import InteractiveShell\n"
        "async def run_code(self, *arguments, **named): return False\nInteractiveShell.run_code = run_code"), 0, "deliberately wrong answer"),
    "hides its errors": (instead("type(get_ipython()).showtraceback = lambda *arguments, **named: None"), 0, "does not show"),
    "raises what counts as false": (raising("def __bool__(self): return False\n    def __str__(self): raise KeyboardInterrupt"), 0, "does not show"),
    "raises what has no name": (raising("pass", "Quiet.__name__ = ''\nget_ipython().set_custom_exc((Quiet,), lambda *a, **k: None)"), 0, "does not show"),
    "takes its error back": (raising("pass", "def back(shell, *arguments, **named): shell.displayhook.exec_result.error_in_exec = None\n"
        "get_ipython().set_custom_exc((Quiet,), back)"), 0, "does not show"),
    "ends the kernel's own loop": (ANSWERS | {"split-heads": "import sys\ndef end(*arguments): sys.exit()\n"
        "get_ipython().events.register('post_run_cell', end)"}, HALF, "the kernel failed"),
    "forges messages": (ANSWERS | {"split-heads": "get_ipython().channel.send({'done': 'x', 'error': None, 'count': 1})"}, HALF, "forged"),
    "forges messages without end": (ANSWERS | {"split-heads": "import threading\nsend = get_ipython().channel.send\ndef forge():\n"
        "    while True: send({'done': 'x', 'error': None, 'count': 1})\nthreading.Thread(target=forge, daemon=True).start()"}, HALF, "forged"),
    "forges nonsense": (inside("get_ipython().channel.connection.sendall(b'[[[[{{\\n')"), HALF, "forged"),
    "takes the messages over": (instead(TAKE_OVER + "take_over()"), 0, "deliberately wrong answer"),
    "threads that outlive the cell": (after("import threading, time\ndef later():\n    for _ in range(50):\n        time.sleep(0.05)\n        print('still here')\n"
                                            "threading.Thread(target=later).start()"), FULL, None),
    "atexit": (after("import atexit\natexit.register(lambda: open('COURSE/atexit', 'w').write('evil'))"), FULL, None),
    "%matplotlib inline atop an answer": (ANSWERS | {"split-heads": f"%matplotlib inline\n{SPLIT}"}, FULL, None),
    "programs atop an answer": (ANSWERS | {"split-heads": f"!ls\nfiles = !ls\n%pip install einops\n{SPLIT}"}, FULL, None),
    "stdout without flush": (ANSWERS | {"split-heads": f"import sys\nclass Tee:\n    write = sys.stdout.write\nsys.stdout = Tee()\nprint(1)\n{SPLIT}"}, FULL, None),
    "stdout of nothing": (ANSWERS | {"split-heads": f"import sys\nsys.stdout = sys.stderr = None\n{SPLIT}"}, FULL, None),
    "top-level await": (after("import asyncio") | {"masked-softmax": f"import asyncio\nawait asyncio.sleep(0)\n{SOFTMAX}"}, FULL, None),
    "not a notebook": (lambda course: b"\x89PNG\r\n\x1a\n\x00\x00", 0, "not text"),
    "empty file": (lambda course: b"", 0, "empty"),
    "cut off": (as_text(lambda text: text[: len(text) // 2]), 0, "not JSON"),
    "another JSON": (lambda course: b"[1, 2, 3]", 0, "no list of cells"),
    "no cells": (lambda course: b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', 0, "no cells"),
    "nested deeply": (lambda course: b"[" * 10**6, 0, "not JSON"),
    "cells of nonsense": (lambda course: b'{"cells": [1, null, {"cell_type": "code"}, {"source": 5, "metadata": 3}], "nbformat": "x"}', 0, "missing"),
    "hollow notebook": (lambda course: b'{"cells": [' + b"[]," * (1 << 20) + b"[]]}", 0, "lists and dictionaries"),
    "cells without end": (lambda course: b'{"cells": [' + b'{"cell_type":"code","source":""},' * 300_000 + b"{}]}", 0, "at most 2,000"),
    "cell nested deeply": (edited(lambda n: n.cells[0].metadata.update(deep=json.loads("[" * 100 + "]" * 100))), 0, "inside one another"),
    "huge notebook": (as_text(lambda text: text.replace("Now the weights.", "x" * (51 << 20))), 0, "MB"),
    "deleted answer": (without("split-heads"), HALF, "was missing"),
    "deleted checks": (without("split-heads-shape", "masked-softmax-forms"), FULL, "was missing"),
    "deleted question": (without("why-scale"), FULL, "was missing"),
    "deleted imports": (edited(lambda n: n.cells.pop(1) and None), FULL, "was missing"),
    "duplicated answer": (copied("split-heads", SPLIT), FULL, "2 times"),
    "duplicated, the first is written": (copied("split-heads", "# Your code goes here, in place of the line below.\nraise NotImplementedError()"), FULL, "2 times"),
    "duplicated, the last is wrong": (copied("split-heads", "def split_heads(x, n_head): return x"), HALF, "2 times"),
    "duplicated check": (copied("split-heads-values", "pass"), FULL, "2 times"),
    "answer made text": (retyped("split-heads", "markdown"), FULL, "had become a markdown cell"),
    "check made raw": (retyped("split-heads-values", "raw"), FULL, "had become a raw cell"),
    "check edited": (edited(lambda n: named(n, "split-heads-values").update(source="pass")), FULL, "was changed"),
    "checks marked as answers": (all_marked(solution=True, grade=False, locked=False), FULL, None),
    "points raised": (marked("split-heads-values", points=1000), FULL, None),
    "schema of the future": (all_marked(schema_version=99), FULL, None),
    "schema of the past": (all_marked(schema_version=1), FULL, None),
    "notebook format 3": (old_format, FULL, None),
    "order reversed": (edited(reversed_order), FULL, "different order"),
    "names lost": (edited(without_names), FULL, None),
    "Windows line ends": (as_text(lambda text: text.replace("\\n", "\\r\\n").replace("\n", "\r\n")), FULL, None),
    "byte-order mark": (as_text(lambda text: "\ufeff" + text), FULL, None),
    "UTF-16": (as_text(lambda text: text.encode("utf-16")), FULL, None),
    "renamed": (edited(lambda n: None), FULL, "was named"),
    "renamed, and no text": (edited(lambda n: None), FULL, "was named l.sung"),
    "saved as text": (ANSWERS, FULL, "was named 01-heads.ipynb.txt"),
    "suffix in capitals": (ANSWERS, FULL, "was named 01-HEADS.IPYNB"),
    "second download, first untouched": (released, FULL, r"was named 01-heads \(1\).ipynb.*since 01-heads.ipynb has no answers"),
    "second download, first empty": (lambda course: b"", FULL, r"was named 01-heads \(1\).ipynb.*since 01-heads.ipynb is not readable"),
    "second download, both answered": (ANSWERS | {"split-heads": "def split_heads(x, n_head): return x"}, HALF, r"Another notebook has answers too: 01-heads \(1\)"),
    "both downloads untouched": (released, 0, None),
    "another notebook beside an untouched one": (released, 0, None),
    "folder named like the notebook": (ANSWERS, FULL, "01-heads.ipynb/readme.txt was left out"),
    "virtual environment beside it": (WITH_DATA, FULL, r"\.venv, venv were left out"),
    "large files before a small one": (WITH_DATA, FULL, "a-large, b-large were left out: .* may have 20 MB"),
    "names that write to the terminal": (ANSWERS, FULL, r"\\x1b\[2J, x\\nzzz-honest-too   6 of 6 were left out"),
    "timestamp that is a pipe": (ANSWERS, FULL, "timestamp.txt was left out: it is not a regular file"),
    "timestamp that is a link to a device": (ANSWERS, FULL, "timestamp.txt was left out: links"),
    "page with an image that is missing": (written("The cat: ![asleep](attachment:cat.png)"), FULL, None),
    "page with a formula of many braces": (written(f"${'{' * 500}x{'}' * 500}$"), FULL, None),
    "page with a formula of many roots": (written("$" + r"\sqrt{" * 30 + "x" + "}" * 30 + "$"), FULL, None),
    "page with strange metadata": (after("display({'image/png': 'iVBORw0KGgo=', 'text/plain': 'x'}, metadata={'image/png': 5, 'filenames': {'image/png': 5}}, raw=True)\n"
                                         "display({'image/png': 'iVBORw0KGgo='}, metadata={'image/png': {'alt': 5, 'width': [1], 'height': 2.5}, 'filenames': 'image/png', 'alt': []}, raw=True)"),
                                   FULL, None),
    "page with a widget of nonsense": (after("for made in (5, {}, None, [1], {'model_id': 5}): display({'application/vnd.jupyter.widget-view+json': made, 'text/plain': 'x'}, raw=True)"),
                                       FULL, None),
    "page with JSON of nonsense": (after("for made in (5, float('nan'), None, 'x'): display({'application/json': made, 'text/plain': 'x'}, raw=True)"), FULL, None),
    "answers from the package": (ANSWERS | {"split-heads": f"from ninelives.model import *\n{SPLIT}"}, FULL, "uses ninelives.model from the package"),
    "torch.py beside it": (ANSWERS, FULL, None),
    "pickle with a command": (after("import torch\ntorch.load('model.pt', weights_only=False)"), FULL, None),
    "link to the gradebook": (after("print(open('link').read())"), FULL, "link"),
    "link to a folder": (after("import os\nprint(os.listdir('folder'))"), FULL, "link"),
    "10 GB beside it": (ANSWERS, FULL, "left out"),
    "deep folders beside it": (ANSWERS, FULL, "cannot be opened"),
    "timestamp of nonsense": (ANSWERS, FULL, None),
    "honest": (ANSWERS, FULL, None),
    "zzz honest, too": (ANSWERS, FULL, None),
}


FILES = {"renamed": "my answers (final).ipynb", "renamed, and no text": os.fsdecode(b"l\xf6sung.ipynb"),
         "saved as text": f"{NAME}.ipynb.txt", "suffix in capitals": f"{NAME.upper()}.IPYNB"}


def student(kind: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", kind.lower()).strip("-")


class Evil:
    def __reduce__(self):
        return os.system, (f"sleep {STARTED} &",)


def make_large(path: Path, size: int) -> None:
    path.touch()
    os.truncate(path, size)  # takes no room


def beside(folder: Path, kind: str, course: Path) -> None:
    """The other files of some submissions."""
    if kind == "torch.py beside it":
        (folder / "torch.py").write_text("raise SystemExit('shadowed')")
    elif kind == "pickle with a command":
        import torch
        torch.save(Evil(), folder / "model.pt")
    elif kind == "link to the gradebook":
        (folder / "link").symlink_to(course / "gradebook.db")
    elif kind == "link to a folder":
        (folder / "folder").symlink_to(course / "solutions")
    elif kind == "10 GB beside it":
        make_large(folder / "large", 10 << 30)
    elif kind == "deep folders beside it":
        make_deep(folder, 1500)
    elif kind.startswith("second download"):
        (folder / f"{NAME} (1).ipynb").write_text(json.dumps(filled(course, ANSWERS)))
    elif kind == "both downloads untouched":
        (folder / f"{NAME} (1).ipynb").write_text(json.dumps(released(course)))
    elif kind == "another notebook beside an untouched one":
        (folder / "my own.ipynb").write_text(json.dumps(new_notebook(cells=[new_code_cell(SPLIT), new_code_cell(SOFTMAX)])))
    elif kind == "folder named like the notebook":
        (folder / f"{NAME}.ipynb").rename(folder / "sent")
        (folder / f"{NAME}.ipynb").mkdir()
        (folder / "sent").rename(folder / f"{NAME}.ipynb" / f"{NAME}.ipynb")
        (folder / f"{NAME}.ipynb" / "readme.txt").write_text("The notebook is in here.")
    elif kind == "virtual environment beside it":
        for path in (folder / ".venv", folder / "venv"):
            path.mkdir()
            (path / "pyvenv.cfg").touch()
            for number in range(200):
                make_large(path / f"module_{number}.py", 100_000)
        (folder / "data.txt").write_text("7")
    elif kind == "large files before a small one":
        for name in ("a-large", "b-large"):
            make_large(folder / name, 25 << 20)
        (folder / "data.txt").write_text("7")
    elif kind == "names that write to the terminal":
        for name in ("\x1b[2J", "x\nzzz-honest-too   6 of 6"):
            (folder / name).symlink_to("nowhere")
    elif kind == "timestamp that is a pipe":
        os.mkfifo(folder / "timestamp.txt")
    elif kind == "timestamp that is a link to a device":
        (folder / "timestamp.txt").symlink_to("/dev/zero")
    elif kind == "timestamp of nonsense":
        (folder / "timestamp.txt").write_text("the day before yesterday")


def hand_in(course: Path, kind: str, port: int) -> None:
    made = KINDS[kind][0]
    notebook = made(course) if callable(made) else filled(course, {
        name: source.replace("COURSE", str(course)).replace("PORT", str(port)) for name, source in made.items()})
    folder = send(course, student(kind), notebook, FILES.get(kind, f"{NAME}.ipynb"))
    beside(folder, kind, course)


def picture_of(*places: Path) -> dict:
    """The files in these folders with their content, mode and time."""
    files = [path for place in places for path in everything_in(place)[0]
             if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts]
    return {path: (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes() if path.name != "large" else b"") for path in files}


@pytest.fixture(scope="module")
def listener():
    """A port of this machine, and what is sent to it."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        def listen():
            while True:
                try:
                    heard.append(server.accept()[0].recv(10))
                except OSError:
                    return
        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], heard


@pytest.fixture(scope="module")
def course(tmp_path_factory, listener):
    course = make_course(tmp_path_factory.mktemp("hostile"), *SETTINGS)
    (course / "solutions" / "secret.txt").write_text(SECRET)
    for kind in KINDS:
        hand_in(course, kind, listener[0])
    yield course
    remove(course / "submitted")  # pytest could not: one is too deep for it, others are large


@pytest.fixture(scope="module")
def before(course):
    return picture_of(course / "solutions", course / "submitted", Path(ninelives.__path__[0]))


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def graded(course, before, temporary):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SECRET", SECRET)
        patched.setenv("TMPDIR", str(temporary))
        return command(course, "--workers", "2")


@pytest.fixture(scope="module")
def given(graded, course):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        return {s.student.id: (s.score, [c.auto_comment or "" for n in s.notebooks for c in n.comments])
                for s in gradebook.assignment_submissions(NAME)}


@pytest.mark.parametrize("kind", KINDS)
def test_each_gets_the_points_it_deserves(given, kind):
    assert given[student(kind)][0] == KINDS[kind][1], given[student(kind)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind][2]])
def test_the_reason_is_in_summary_comment_and_notebook(given, graded, course, kind):
    reason = KINDS[kind][2]
    row = re.search(rf"^{student(kind)} .*?(?=^\S)", graded.stdout, re.M | re.S)[0]
    assert re.search(reason, row)
    assert any(re.search(reason, comment) for comment in given[student(kind)][1])
    notebook = nbformat.read(course / "autograded" / student(kind) / NAME / f"{NAME}.ipynb", as_version=4)
    assert re.search(reason, notebook.cells[0].source)


@pytest.mark.parametrize("kind", ["honest", "zzz honest, too", "sys.exit", "prints much"])
def test_harmless_submissions_get_no_notes(given, kind):
    assert set(given[student(kind)][1]) == {""}


def test_nobody_is_left_ungraded(given, graded):
    assert len(given) == len(KINDS)
    assert f"{len(KINDS)} submissions: {len(KINDS)} graded, 0 not graded" in graded.stdout


def test_nothing_got_out(graded, course, before, listener):
    assert picture_of(course / "solutions", course / "submitted", Path(ninelives.__path__[0])) == before
    assert listener[1] == []
    assert not (course / "atexit").exists() and not EVIL.exists()
    assert (course / "gradebook.db").stat().st_mode & 0o600 == 0o600


def test_nothing_secret_came_in(graded, course):
    for path in (course / "autograded").rglob("*"):
        if path.is_file() and path.stat().st_size < 1 << 30:
            assert SECRET.encode() not in path.read_bytes(), path
    assert not list((course / "autograded").rglob("link")) and not list((course / "autograded").rglob("large"))


def test_no_solution_and_no_hidden_line_reaches_a_learner(graded, course):
    assert leaks([course]) == []


def test_no_process_is_left_behind(graded):
    running = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            running.append((process / "cmdline").read_bytes())
    assert running and not [line for line in running if STARTED.encode() in line]


def test_no_folder_is_left_behind(graded, temporary):
    assert not list(temporary.iterdir())


def test_the_graded_notebooks_can_be_given_back(graded, course):
    for kind in ("takes the messages over", "not a notebook", "crashes"):
        notebook = nbformat.read(course / "autograded" / student(kind) / NAME / f"{NAME}.ipynb", as_version=4)
        nbformat.validate(notebook)
        names = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
        assert names == [cell.metadata.nbgrader.grade_id for cell in released(course).cells if "nbgrader" in cell.metadata]


def test_every_notebook_gets_a_page_of_feedback(graded, course):
    succeed(api(course).generate_feedback(NAME, "page-with-*"))
    pages = {path.parents[1].name: path.read_text(encoding="utf-8") for path in (course / "feedback").glob(f"*/{NAME}/{NAME}.html")}
    assert set(pages) == {student(kind) for kind in KINDS if kind.startswith("page with")}
    assert "The cat: asleep" in pages["page-with-an-image-that-is-missing"]
