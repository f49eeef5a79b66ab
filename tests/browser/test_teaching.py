"""docs/teaching.md, line by line and in its order: a class's first ten minutes, with two learners and an instructor on one machine."""

import csv
import html
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from playwright.sync_api import expect

from helpers.classroom import ACTIVATED, ANSWERS, NAME, filled, nbgrader_here, send, solved
from helpers.loopback import serving
from ninelives.build import ROOT, marked_lines
from test_docs import BLOCK

# nbgrader's own, and harmless.
pytestmark = pytest.mark.filterwarnings("ignore:Passing unrecognized arguments:DeprecationWarning")

TEXT = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
HUB = (ROOT / "docs" / "teaching" / "hub.md").read_text(encoding="utf-8")
FORMULA = r"Divided by $\tfrac{1}{\sqrt{d}}$, and $\nonsense$."
TABLE = "\n\n| in | out |\n|---|---|\n| scores | weights |\n"
COMMENT = "Well said. Which variance, of *which* sum?"
BERT = {"split-heads": "def split_heads(x, n_head): return x", "why-scale": FORMULA + TABLE}
# What JupyterHub 6.1 gives to each server that it starts.
AS_IN_A_HUB = """
c = get_config()
c.ServerApp.base_url = "/user/teacher/"
c.ServerApp.tornado_settings = {"headers": {"Content-Security-Policy": "frame-ancestors 'none'"}}
"""


def address(settings: Path) -> tuple[str, str]:
    """The address that JupyterLab has printed, and the same without page and token."""
    found = re.search(r"(http://127\S+)/lab\?token=\w+", (settings / "lab.log").read_text())
    return found[0], found[1]


def lines(step: int) -> list[str]:
    """What a step of the text has to be typed."""
    section = re.search(rf"^## {step}\. .*?(?=^## )", TEXT, re.MULTILINE | re.DOTALL)[0]
    return [line for block in BLOCK.findall(section) for line in textwrap.dedent(block).split("\n") if line]


class Machine:
    """The machine of the text, in a folder: its /srv and /etc are in there, and its assignment is a smaller one."""

    def __init__(self, root: Path):
        self.root, self.at, self.typed = root, root / "nine-lives", []
        self.everybody = root / "etc" / "jupyter"
        self.everybody.mkdir(parents=True)
        (self.at / "solutions" / NAME).mkdir(parents=True)
        shutil.copy(ROOT / "nbgrader_config.py", self.at)
        nbformat.write(solved(), self.at / "solutions" / NAME / f"{NAME}.ipynb")

    def here(self, text: str) -> str:
        text = re.sub(r"^ninelives-grade .*", r"\g<0> --workers 1", text)  # other tests run beside this one
        return re.sub(r"(?<=[ =\"])/(?=srv/|etc/)", f"{self.root}/", text.replace("01-embeddings", NAME).replace("sudo ", ""))

    def home(self, account: str) -> Path:
        home = self.root / "home" / account
        if not home.exists():
            (home / ".jupyter").mkdir(parents=True)
            home.chmod(0o700)
            if account != "teacher":  # nbgrader would ask for the name of the account
                (home / ".jupyter" / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.student_id = '{account}'\n")
        return home

    def environment(self, learner: str = "") -> dict[str, str]:
        home = self.home(learner or "teacher")
        return {"HOME": str(home), "PATH": ACTIVATED, "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
                "JUPYTER_CONFIG_PATH": str(self.everybody)}

    def type(self, line: str, learner: str = "") -> str:
        """Type a line where the text has come to, or in a learner's home; gives what was printed."""
        self.typed.append(line)
        program, *words = shlex.split(self.here(line))
        environment = self.environment(learner)
        if program == "nbgrader":
            return nbgrader_here(self.home(learner) if learner else self.at, *words, **environment)
        done = subprocess.run(["bash", "-ec", f"{self.here(line)}\npwd"], cwd=self.at, env=os.environ | environment,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said, _, at = done.stdout.rstrip("\n").rpartition("\n")
        self.at = Path(at)
        return said


@pytest.fixture(scope="module")
def machine():
    # Not pytest's folder, which no other account may enter.
    with tempfile.TemporaryDirectory(prefix="ninelives-machine-") as folder:
        Path(folder).chmod(0o755)
        yield Machine(Path(folder))


@pytest.fixture(scope="module")
def given_out(machine):
    """Steps 1 to 5: the folder, the exchange, the names, and the assignment in the exchange."""
    for line in lines(1):
        machine.type(line)
    make, *settings = lines(3)
    machine.type(make)
    (machine.everybody / "nbgrader_config.py").write_text(machine.here("\n".join(settings)))
    own = machine.at / "nbgrader_config.py"
    [root] = [line for line in settings if line.startswith("c.Exchange.root")]
    text, count = re.subn(r"^c\.Exchange\.root = .*", machine.here(root), own.read_text(), flags=re.MULTILINE)
    assert count == 1, "c.Exchange.root stands there already"
    own.write_text(text)
    columns = re.search(r"with the columns (.*?); `id`", TEXT)[1]
    (machine.at / "students.csv").write_text(
        ",".join(re.findall(r"`(\w+)`", columns)) + "\nada,Ada,L,ada@a.b\nbert,Bert,M,\ncarl,Carl,N,\n")
    for line in [*lines(4), *lines(5)]:
        machine.type(line)
    return machine


@pytest.fixture(scope="module")
def tab(given_out, page):
    """Ada's JupyterLab, with the Assignments tab opened from the menu."""
    home = given_out.home("ada")
    with serving([sys.executable, "-m", "jupyterlab", "--allow-root"], home, home / "run", given_out.environment("ada")) as ask:
        ask("/api/status")
        page.goto(address(home / "run")[0])
        page.get_by_role("menuitem", name="Nbgrader").click()
        page.get_by_role("menuitem", name="Assignment List").click()
        yield page.locator("#assignments")
        page.goto("about:blank")  # a server with a page that is open takes its time to end


@pytest.fixture(scope="module")
def handed_in(given_out, tab):
    """Step 6, ada in the tab and bert by typing; anna, who sent hers by mail, is nobody's account."""
    fetch, submit, collect = lines(6)
    tab.locator("#released_assignments_list").get_by_role("button", name="Fetch").click()
    expect(tab.locator("#fetched_assignments_list")).to_contain_text(NAME)
    given_out.type(fetch, "bert")
    for learner, answers in (("ada", ANSWERS), ("bert", BERT)):
        notebook = filled(given_out.at, answers)
        next(cell for cell in notebook.cells if cell.source == "Now the weights.").source = f"An assistant helped {learner}."
        nbformat.write(notebook, given_out.home(learner) / NAME / f"{NAME}.ipynb")
    tab.locator("#fetched_assignments_list").get_by_role("button", name="Submit").click()
    expect(tab.locator("#submitted_assignments_list")).to_contain_text(NAME)
    given_out.type(submit, "bert")
    given_out.type(collect)
    send(given_out.at, "anna", filled(given_out.at, ANSWERS))
    return given_out


@pytest.fixture(scope="module")
def said(handed_in):
    """Step 7: what the command prints."""
    [line] = lines(7)
    return handed_in.type(line)


def test_what_learners_submitted_is_graded_and_who_has_not_is_named(said):
    assert re.findall(r"^(\w+) +(\d+) of 8 ", said, re.MULTILINE) == [("ada", "6"), ("anna", "6"), ("bert", "0")]
    assert said.endswith("\nNothing from: carl (1 of 4)")


def gradebook_of(machine):
    return Gradebook(f"sqlite:///{machine.at / 'gradebook.db'}", "ninelives")


@pytest.fixture(scope="module")
def lab(said, handed_in, page, tmp_path_factory):
    """The instructor's JupyterLab, as a Hub starts it with the line of docs/teaching/hub.md."""
    settings = tmp_path_factory.mktemp("settings")
    (settings / "jupyter_server_config.py").write_text(AS_IN_A_HUB)
    argument = re.search(r'c\.Spawner\.args = \["(.*)"\]\n', HUB)[1].replace('\\"', '"')
    open_lab, *_ = lines(8)
    assert open_lab == "jupyter lab"
    handed_in.typed.append(open_lab)
    environment = handed_in.environment() | {"JUPYTER_CONFIG_PATH": str(settings)}
    with serving([sys.executable, "-m", "jupyterlab", "--allow-root", argument], handed_in.at, settings / "run", environment) as ask:
        ask("/api/status")
        opened, start = address(settings / "run")
        lab = page.context.new_page()
        lab.goto(opened)
        yield lab, start
        lab.close()


def test_in_a_hub_the_formgrader_opens_from_the_menu(lab):
    page, start = lab
    assert start.endswith("/user/teacher")
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_role("menuitem", name="Formgrader", exact=True).click()
    formgrader = page.frame_locator("#formgrader-iframe iframe")
    formgrader.get_by_role("row").filter(has_text=NAME).get_by_role("link", name="3", exact=True).click()
    expect(formgrader.get_by_role("row").filter(has_text="Bert")).to_be_visible()


@pytest.fixture(scope="module")
def shown(lab, handed_in):
    """Bert's submission, open in the instructor's formgrader."""
    page, start = lab
    with gradebook_of(handed_in) as gradebook:
        [notebook] = gradebook.find_submission(NAME, "bert").notebooks
    page.goto(f"{start}/formgrader/submissions/{notebook.id}/")
    page.wait_for_function("formgrader.loaded && formgrader.grades.loaded && formgrader.comments.loaded")
    return page


def test_formulas_are_drawn_without_the_web(shown):
    assert shown.locator(".nbgrader_cell img").evaluate_all("images => images.map(i => [i.alt, i.naturalHeight > 5])") == [
        [r"\tfrac{1}{\sqrt{d}}", True]]
    expect(shown.get_by_text(r"$\nonsense$")).to_be_visible()


def test_the_columns_of_a_table_have_space_between_them(shown):
    [gap] = shown.locator(".nbgrader_cell td", has_text="scores").evaluate_all("cells => cells.map(c => getComputedStyle(c).paddingRight)")
    assert float(gap.removesuffix("px")) > 8


@pytest.fixture(scope="module")
def commented(shown):
    """The instructor goes with the Tab key to bert's words, gives points for them, and comments on them."""
    def saved(what):
        return shown.expect_response(lambda answer: f"/formgrader/api/{what}/" in answer.url and answer.request.method == "PUT")

    shown.locator("#why-scale").fill("0.5")
    with saved("grade") as grade:
        shown.keyboard.press("Tab")
    shown.keyboard.press("Tab")  # past the extra credit
    shown.keyboard.type(COMMENT)
    with saved("comment") as comment:
        shown.keyboard.press("Escape")  # leaves the field, which saves it
    assert grade.value.ok and comment.value.ok
    return shown


@pytest.fixture(scope="module")
def returned(commented, handed_in, tab):
    """Step 8: the pages that each learner has fetched."""
    _, *typed = lines(8)
    for line in typed:
        handed_in.type(line)
    tab.page.locator("#refresh_assignments_list").click()
    tab.locator("#submitted_assignments_list").get_by_role("button", name="Fetch Feedback").click()
    expect(tab.locator("#submitted_assignments_list")).to_contain_text("view feedback")
    [fetch] = re.findall(r"`(nbgrader fetch_feedback .*?)`", TEXT)
    nbgrader_here(handed_in.home("bert"), *shlex.split(handed_in.here(fetch))[1:], **handed_in.environment("bert"))
    found = {}
    for learner in ("ada", "bert"):
        [file] = (handed_in.home(learner) / NAME / "feedback").rglob(f"{NAME}.html")
        found[learner] = file.read_text(encoding="utf-8")
    return found


def test_the_feedback_comes_back_to_each_learner_and_to_no_other(returned, handed_in):
    texts = {learner: html.unescape(re.sub(r"<[^>]*>", "", page)) for learner, page in returned.items()}
    assert "(Score: 6.0 / 8.0)" in texts["ada"] and "(Score: 0.5 / 8.0)" in texts["bert"]
    assert COMMENT.replace("*", "") in texts["bert"] and COMMENT.replace("*", "") not in texts["ada"]
    assert not any("seed=1" in text or "HIDDEN" in text for text in texts.values())
    assert not any(re.search(r"""(src|href)=["']?(https?:)?//""", page) for page in returned.values())
    assert (handed_in.at / "feedback" / "anna" / NAME / f"{NAME}.html").is_file(), "to be handed back another way"


def test_what_a_learner_declares_in_a_plain_cell_stays(returned):
    """docs/teaching/private.md asks for a declaration there."""
    assert [f"An assistant helped {learner}." in page for learner, page in returned.items()] == [True, True]


def test_the_list_of_points_in_the_feedback_names_the_cells(returned):
    assert re.findall(r'<a href="#[\w-]+">(.*?)</a>', returned["bert"].partition('<div class="panel-body">')[0]) == [
        "split-heads-shape", "split-heads-values", "comment on masked-softmax", "masked-softmax-rows", "masked-softmax-forms",
        "why-scale", "comment on why-scale"]


def test_every_line_of_the_text_was_typed_in_its_order(returned, handed_in):
    settings = {line for line in lines(3) if line.startswith("c")}
    assert handed_in.typed == [line for step in range(1, 9) for line in lines(step) if line not in settings]


def test_the_last_line_exports_the_grades(returned, handed_in):
    with (handed_in.at / "grades.csv").open() as file:
        rows = {row["student_id"]: (row["first_name"], float(row["score"])) for row in csv.DictReader(file)}
    assert rows == {"ada": ("Ada", 6), "anna": ("", 6), "bert": ("Bert", 0.5), "carl": ("Carl", 0)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look at files as another account")
def test_a_learners_account_can_read_no_solution_and_no_hidden_check(returned, handed_in):
    """Of all that lies on the machine after the first class; what learners install is looked through in test_wheel.py."""
    found = subprocess.run(["find", handed_in.root, "-type", "f", "-readable"], user=65534, group=65534, extra_groups=[],
                           capture_output=True, text=True).stdout.split()
    read = {path: Path(path).read_text(encoding="utf-8", errors="replace") for path in found}
    assert any(path.endswith(f"outbound/{NAME}/{NAME}.ipynb") for path in read), "what is given out"
    secret = [line for cell in solved().cells for mark in ("SOLUTION", "HIDDEN TESTS")
              for line in marked_lines(cell.source, mark) if line.strip()]
    assert len(secret) > 6
    assert [(path, line) for path, text in read.items() for line in secret if line.strip() in text] == []
    assert not [path for path in read if "my-class" in path or "nine-lives" in path or "inbound" in path]
