"""Every notebook as it is built: what it shows, what it hides, and that it runs."""

import ast
import contextlib
import copy
import re
import textwrap

import nbformat
import pytest

from answers.right import attention, transformer
from helpers.learner import put_notebooks
from helpers.run_notebook import run_all_cells, with_short_trainings
from helpers.submissions import fill, graded_cells, source_of
from helpers.trainings import put_training
from ninelives.build import ROOT, marked_lines

NAMES = sorted(path.name for path in (ROOT / "solutions").iterdir())
ROOMS = ["The question", "See it", "Build it", "Check it", "Play with it",
         "A common misreading", "The PyTorch calls", "Where next"]
# Right answers of the bank that later cells have to live with: {notebook: {exercise: (answer, its name there)}}.
OTHERWISE = {
    "02-attention": {"multi-head-self-attention": (attention.Einsum, "MultiHeadSelfAttention")},  # a mask must be given, None too
    "03-transformer": {"block": (transformer.MlpTakenApart, "TransformerBlock")},  # the stepper cannot watch it
}
CALLS = {  # where each is first used
    "01-embeddings": ["Embedding", "arange", "expand", "unsqueeze", "Linear"],
    "02-attention": ["Dropout", "matmul", "sqrt", "reshape", "transpose", "masked_fill", "softmax"],
    "05-decoder": ["tril", "zeros"],
}


def read(folder, name):
    return nbformat.read(ROOT / folder / name / f"{name}.ipynb", as_version=4)


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


def executed(notebook, name, where, solved=True):
    if name != "09-training":
        return run_all_cells(notebook, where)
    # As when it is graded: nothing is trained, and the learner's training lies beside it.
    if solved:
        put_training(where)
    return run_all_cells(notebook, where, NBGRADER_EXECUTION="autograde")


@pytest.fixture(scope="module")
def run_solved(name, tmp_path_factory):
    """Executed where a learner has solved the notebooks before it, as the course does."""
    folder = tmp_path_factory.mktemp("solved")
    put_notebooks(folder)
    (folder / name).mkdir(exist_ok=True)
    return executed(read("solutions", name), name, folder / name)


@pytest.fixture(scope="module")
def run_released(name, tmp_path_factory):
    return executed(with_short_trainings(read("release", name)), name, tmp_path_factory.mktemp("released"), solved=False)


def complaints(notebook):
    """The errors and warnings of each cell that has any, by cell id; those that are meant to break left out."""
    return {
        cell.id: "\n".join(found)
        for cell in notebook.cells
        if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", [])
        and (found := [f"{o.ename}: {o.evalue}" if o.output_type == "error" else o.text for o in cell.outputs
                       if o.output_type == "error" or o.get("name") == "stderr"])
    }


def test_the_solved_notebook_runs_without_an_error_or_a_warning(run_solved):
    assert complaints(run_solved) == {}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_notebook_that_is_solved_otherwise_runs_without_an_error_or_a_warning(name, tmp_path):
    path = ROOT / "solutions" / name / f"{name}.ipynb"
    answers = {exercise: source_of(answer, called) for exercise, (answer, called) in OTHERWISE[name].items()}
    assert complaints(executed(with_short_trainings(fill(path, answers)), name, tmp_path)) == {}


def figures_printed(notebook, pattern):
    """The numbers in the first line of the notebook's output that fits, as floats."""
    printed = "".join(o.text for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "stream")
    found = re.search(pattern, printed)
    assert found, f"nothing printed fits {pattern}"
    return [float(number or 0) for number in found.groups()]


# What the text says of numbers that are computed when a notebook runs: {notebook: [(what is printed, whether the text is true of it)]}.
CLAIMS = {
    "03-transformer": [
        (r"12 blocks with sums .* ([\d.]+) after 100 steps", lambda loss: loss < 0.5),
        (r"12 blocks without .* ([\d.]+) after 100 steps", lambda loss: loss > 2.2),  # guessing is 2.30
        (r"is silenced: (\d+) of (\d+) channels change before proj, (\d+) after it",
         lambda before, all_, after: 4 * before == all_ == after),
        (r"whom +(\d+)% +(\d+)%", lambda with_them, without: with_them == 100 and without < 50),
        (r"and nn.TransformerEncoder differ by at most ([\d.e+-]+)", lambda difference: difference < 1e-5),
        (r"lm_head × +1: first loss +([\d.]+)", lambda loss: abs(loss - 3.37) < 0.5),
        (r"lm_head × 100: first loss +([\d.]+)", lambda loss: loss > 30),
        (r"step 100: the cat did not want to eat the meat because it was full <end>()", lambda _: True),
        (r"raw scores +the right word has the probability ½ after (\d+) steps\nsoftmax inside .* after (\d+) steps",
         lambda raw, inside: inside > 10 * raw),
    ],
    "04-encoder": [
        (r"without a mask: +([\d.e+-]+)\nwith 24 positions of padding, your Encoder: +([\d.e+-]+)",
         lambda without, with_mask: without > 0.1 and with_mask < 1e-5),
        (r"the cat was full +([\d.]+) +([\d.]+)\nit slept +([\d.]+) +([\d.]+)\nthe dog .* ([\d.]+) +([\d.]+)",
         lambda a, b, c, d, e, f: b == d == 0 and min(a, c, e, f) > 0.1),
        (r"(\d+) of (\d+) positions are padding", lambda padding, all_: 3 * padding == all_),
        (r"everything open +([\d.e+-]+)\nyour packed_mask +([\d.e+-]+)", lambda everything, mine: everything > 0.1 and mine < 1e-5),
    ],
    "05-decoder": [
        (r"the package's Encoder +(\d+) +(\d+)\nyour Decoder +(\d+) +(\d+)", lambda a, b, c, d: a == b == 11 * 10 / 2 and c == d == 0),
        (r"best honest loss ([\d.]+)\n[^\n]*\n[^\n]*\nwith the triangle +([\d.]+) +([\d.]+) +(\d+)%\nwithout it +([\d.]+) +([\d.]+) +(\d+)%",
         lambda honest, trained, begun, share, leaky, leaky_begun, leaky_share:
         abs(trained - honest) < 0.03 and abs(begun - honest) < 0.03 and share > 80 and leaky < honest / 2 and leaky_begun > 2 * honest
         and leaky_share < 20),
        (r"with the mask +\w+ ([\d.]+), \w+ [\d.]+, \w+ [\d.]+, \w+ ([\d.]+)\nwithout it +\w+ ([\d.]+)",
         lambda most, least, unmasked: 0.22 < least <= most < 0.28 and unmasked > 0.35),
    ],
    "06-generation": [
        (r" 0\.2 +[\d,.]+ +([\d.]+)\n", lambda factor: abs(factor / (1 + factor) - 0.6) < 0.005),  # "was" against "did"
        (r"was +([\d.]+) +([\d.]+) +([\d.]+)\ndid", lambda p, divided, sharpened: p == divided < sharpened),
        (r"\n(?:the goat was envied by the goat because it was slow\n){2}()", lambda _: True),  # greedy repeats itself
        (r"top-k 5 +(\d+) +(\d+)\ntop-p 0.9 +(\d+) +(\d+)", lambda k, also_k, cat, want: k == also_k == 5 and cat > 5 and want == 1),
        (r"rows computed in every layer: (\d+) and (\d+)\nseconds: +([\d.]+) and ([\d.]+)",
         lambda rows, kept, slow, fast: rows == kept * (kept + 1) / 2 and 1 < slow / fast < rows / kept),
        (r"last word: .*\n +largest new id (\d+), of", lambda largest: largest < 12),
    ],
    "07-encoder-decoder": [
        (r"sentence 1: largest difference ([\d.e+-]+)", lambda difference: difference < 1e-4),
        (r"loss in step 25: ([\d.]+) with the right rows, ([\d.]+) one row late", lambda right, late: late < 0.6 * right),
        (r"right rows +(\d+) of 12 unseen sentences\none row late +(\d+) of 12", lambda right, late: right >= 6 and late == 0),
    ],
}


def test_what_a_notebook_says_of_its_numbers_is_true_of_those_it_prints(name, run_solved):
    for pattern, is_true in CLAIMS.get(name, []):
        assert is_true(*figures_printed(run_solved, pattern)), pattern


def test_a_notebook_says_that_it_runs_on_the_learners_parts_and_none_is_wrong(name, run_solved):
    printed = "".join(o.text for cell in run_solved.cells for o in cell.get("outputs", []) if o.output_type == "stream")
    if "04" <= name < "09":  # 9 is executed as it is graded: on the package's parts
        assert ": yours, from" in printed
    assert "the package's, since" not in printed and "Running on the package's" not in printed and "WRONG" not in printed


def test_cells_that_are_meant_to_break_do_break(run_solved):
    whole = [cell.id for cell in run_solved.cells if "raises-exception" in cell.metadata.get("tags", [])
             and not any(output.output_type == "error" for output in cell.outputs)]
    assert whole == []


def test_in_the_released_notebook_every_check_says_what_is_not_written_and_nothing_else_fails(run_released):
    checks = [grade_id for grade_id, cell in graded_cells(run_released).items() if cell.metadata.nbgrader.locked]
    found = complaints(run_released)
    assert sorted(found) == sorted(checks)
    assert [text for text in found.values() if not (re.search("CheckFailed|NotWritten|NotHandedIn", text) and "not written yet" in text)] == []


def test_every_picture_of_the_solved_notebook_has_alt_text(run_solved):
    pictures = [output for cell in run_solved.cells for output in cell.get("outputs", [])
                if "image/png" in output.get("data", {})]
    assert pictures
    without = [output.data["text/plain"] for output in pictures
               if len(output.metadata.get("image/png", {}).get("alt", "")) < 20]
    assert without == []


def lines_of(text):
    return {line.split("  #")[0].strip() for line in text.split("\n")}


def test_the_released_notebook_holds_no_line_of_a_solution_or_a_hidden_check(name):
    solved, released = read("solutions", name), read("release", name)
    hidden = {line for cell in solved.cells for mark in ("SOLUTION", "HIDDEN TESTS")
              for line in lines_of("\n".join(marked_lines(cell.source, mark)))}
    in_hints = lines_of("\n".join(cell.source for cell in solved.cells if cell.cell_type == "markdown"))
    shown = "\n".join(cell.source for cell in released.cells)
    assert len(hidden) > 10
    assert [line for line in hidden - in_hints if len(line) >= 12 and line in lines_of(shown)] == []
    assert "HIDDEN TESTS" not in shown and "SOLUTION" not in shown


def test_the_rooms_come_in_their_order(name):
    headings = [heading for cell in read("release", name).cells if cell.cell_type == "markdown"
                for heading in re.findall(r"^#+ (.*)$", cell.source, re.MULTILINE) if heading in ROOMS]
    assert list(dict.fromkeys(headings)) == ROOMS


def test_the_head_says_where_to_go_on_after_run_all_has_stopped_at_a_check(name):
    head = " ".join(" ".join(cell.source for cell in read("release", name).cells[:3]).replace("\n> ", " ").split())
    assert re.search(r"select the first cell below the checks\b.{0,80}Run → Run Selected Cell and All Below", head)


def test_the_points_in_the_first_room_are_the_points_of_the_checks(name):
    notebook = read("release", name)
    total = sum(cell.metadata.nbgrader.get("points", 0) for cell in graded_cells(notebook).values())
    question = "\n".join(cell.source for cell in notebook.cells[:3])
    assert re.search(r"Points \| (\d+)", question)[1] == str(total)


@pytest.mark.parametrize("name", CALLS)
def test_the_pytorch_calls_are_explained_with_an_example_that_is_checked(name):
    cells = read("release", name).cells
    start = next(i for i, cell in enumerate(cells) if "## The PyTorch calls" in cell.source)
    explained = {}
    for text, example in zip(cells[start:], cells[start + 1 :]):
        for call in re.findall(r"### `([\w.]+)\(", text.source):
            explained[call.split(".")[-1]] = example
    assert [call for call in CALLS[name] if call not in explained] == []
    assert [call for call, example in explained.items() if "assert " not in example.source] == []


def test_links_between_notebooks_lead_to_notebooks_of_the_course(name):
    linked = re.findall(r"\]\((\.\./[^)]*)\)", "\n".join(cell.source for cell in read("release", name).cells))
    assert [link for link in linked if not (ROOT / "release" / name / link).exists()] == []


# Names of sizes in the exercises. A learner who forgets to take one from a shape must get a NameError, and not the size of a demo.
SIZES = {"B", "T", "P", "C", "V", "H", "S", "head_size", "n_head", "n_embd", "n_layer", "vocab_size", "block_size", "end", "end_token",
         "num_tokens", "token_table", "position_table"}


def names_left_behind(source):
    """The names that a cell binds at its top level: assignments, loops, with and walrus, also inside if and for."""
    found = set()

    def walk(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
                continue
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                found.add(child.id)
            walk(child)

    walk(ast.parse(source))
    return found


def test_the_names_that_a_cell_leaves_behind_are_those_of_its_top_level():
    source = "(B, T), C = x.shape, 3\nfor H in range(2):\n    P = 1\ndef f():\n    V = 2\nsquares = [S for S in range(3)]"
    assert names_left_behind(source) == {"B", "T", "C", "H", "P", "squares"}


def test_no_cell_leaves_the_name_of_a_size_behind(name):
    code = [cell.source for cell in read("release", name).cells if cell.cell_type == "code"]
    left = {left for source in code for left in names_left_behind(source)} & SIZES
    assert sorted(left) == []


def test_no_line_of_code_is_cut_off_at_the_edge_of_a_screen():
    # JupyterLab, with its file browser open, shows 122 columns in a window of 1400 pixels.
    lines = [(path.stem, line) for path in (ROOT / "release").glob("*/*.ipynb") for cell in nbformat.read(path, as_version=4).cells
             if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert len(lines) > 1000
    assert [(name, line) for name, line in lines if len(line) > 120] == []


NAMED = {"F", "math", "nn", "torch"}
TAUGHT = {  # before the exercise that uses it
    "_ @ _.transpose(-2, -1)",  # what the learner wrote with torch.matmul, in notebook 2
    "nn.utils.rnn.pad_sequence(_, batch_first=True, padding_value=-1)",  # explained in notebook 7, used in 8
}


def expressions(source, least=6):
    """The calls, products, comparisons and rows in Python code that have at least so many parts, with variables left out."""
    class WithoutVariables(ast.NodeTransformer):
        def visit_Name(self, name):
            return name if name.id in NAMED else ast.Name("_")

    found = set()
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        parts = [part for part in ast.walk(node) if isinstance(part, ast.expr) and not isinstance(part, ast.Name | ast.Tuple | ast.List)]
        if isinstance(node, ast.Call | ast.BinOp | ast.Compare | ast.Subscript) and len(parts) >= least:
            found.add(ast.unparse(WithoutVariables().visit(copy.deepcopy(node))))
    return found


def read_openly(cell):
    """The expressions that a learner reads in a cell without opening a hint."""
    if cell.cell_type == "code":
        return expressions(cell.source)
    found = set()
    for code in re.findall(r"```python\n(.*?)```|`([^`\n]+)`", re.sub("<details>.*?</details>", "", cell.source, flags=re.DOTALL), re.DOTALL):
        with contextlib.suppress(SyntaxError):
            found |= expressions("".join(code))
    return found


def test_no_exercise_is_answered_in_an_earlier_notebook_or_in_the_rest_of_its_own():
    given, written, told = [], set(), []
    for name in NAMES:
        solved_cells, cells = read("solutions", name).cells, read("release", name).cells
        open_here = [read_openly(cell) for cell in cells]
        for k, cell in enumerate(solved_cells):
            if cell.metadata.get("nbgrader", {}).get("solution"):
                # Without what the exercise itself gives, and what learners have written in an earlier one.
                answer = expressions(cell.source) - open_here[k] - open_here[k - 1] - written
                elsewhere = set().union(*given, *(found for i, found in enumerate(open_here) if i != k))
                written |= answer
                told += [(cell.metadata.nbgrader.grade_id, each) for each in (answer & elsewhere) - TAUGHT]
        given += open_here
    assert sorted(told) == []
