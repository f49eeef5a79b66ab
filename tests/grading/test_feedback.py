from html import escape

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert.filters import strip_ansi
from traitlets.config import Config

from ninelives.grading.feedback import HideHiddenChecks, markdown2html
from ninelives.grading.formulas import formula_picture

ANSWER = '''\
def double(x):
    print(get_ipython().user_ns["In"][-1])
    return x + 3 if x < 100 else undefined_name
'''
CHECK = '''\
assert double(3) == 6, "double(3) is 6"
### BEGIN HIDDEN TESTS
secret_number = 21
assert double(secret_number) == 42, f"double gave {double(secret_number)}"
### END HIDDEN TESTS
'''
SECOND_CHECK = '''\
### BEGIN HIDDEN TESTS
secret_limit = 100
secret_result = double(secret_limit)
### END HIDDEN TESTS
'''


@pytest.fixture(scope="module")
def outputs():
    """The outputs of an answer that passes the visible check, fails two hidden ones and prints its caller's cell."""
    notebook = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell(source, metadata={"nbgrader": {"grade": source != ANSWER}})
        for source in (ANSWER, CHECK, SECOND_CHECK)])
    NotebookClient(notebook, allow_errors=True, kernel_name="python3").execute()
    assert "secret_number = 21" in str(notebook.cells[1].outputs)  # it does leak before
    notebook, _ = HideHiddenChecks().preprocess(notebook, {})
    return [cell.outputs for cell in notebook.cells[1:]]


def shown(outputs):
    texts = [output.text if output.output_type == "stream" else "\n".join(output.traceback) for output in outputs]
    return strip_ansi("\n".join(texts))


def test_no_output_quotes_a_hidden_line(outputs):
    for cell in outputs:
        assert "secret" not in shown(cell)
        assert "HIDDEN" not in shown(cell)


def test_the_name_and_the_message_of_an_error_stay(outputs):
    error = outputs[0][-1]
    assert (error.ename, error.evalue) == ("AssertionError", "double gave 24")
    assert "AssertionError: double gave 24" in shown([error])


def test_the_lines_of_the_learners_own_code_stay(outputs):
    assert "return x + 3 if x < 100 else undefined_name" in shown(outputs[1])


def test_visible_lines_of_the_check_stay(outputs):
    assert 'assert double(3) == 6, "double(3) is 6"' in shown(outputs[0])


@pytest.mark.parametrize(("kind", "shown"), [
    ("text/html", lambda source: f"<pre>{escape(source)}</pre>"),
    ("text/markdown", lambda source: f"```\n{source}\n```"),
    ("text/latex", str),
    ("image/svg+xml", lambda source: "\n".join(f"<text>{escape(line)}</text>" for line in source.split("\n"))),
])
def test_whatever_kind_of_text_is_displayed_quotes_no_hidden_line(kind, shown):
    output = nbformat.v4.new_output("display_data", data={kind: shown(CHECK), "text/plain": "mine", "image/png": "iVBORw0KGgo=\n"})
    cell = nbformat.v4.new_code_cell(CHECK, outputs=[output], metadata={"nbgrader": {"grade": True}})
    notebook, _ = HideHiddenChecks().preprocess(nbformat.v4.new_notebook(cells=[cell]), {})
    [output] = notebook.cells[0].outputs
    assert "secret" not in output.data[kind] and "HIDDEN" not in output.data[kind]
    assert "double(3) is 6" in output.data[kind]
    assert (output.data["text/plain"], output.data["image/png"]) == ("mine", "iVBORw0KGgo=\n")


@pytest.mark.parametrize("words", ["# What is ### BEGIN HIDDEN TESTS?", "### BEGIN HIDDEN TESTS\nmine = 1\n### END HIDDEN TESTS"])
def test_a_learners_words_about_hidden_tests_stay(words):
    own = nbformat.v4.new_code_cell(words, metadata={"nbgrader": {"grade": False, "solution": True}})
    check = nbformat.v4.new_code_cell(CHECK, metadata={"nbgrader": {"grade": True}})
    notebook, _ = HideHiddenChecks().preprocess(nbformat.v4.new_notebook(cells=[own, check]), {})
    assert [cell.source for cell in notebook.cells] == [words, CHECK.split("\n")[0] + "\n"]


@pytest.mark.parametrize("formula", ["{" * 500 + "x" + "}" * 500, r"\sqrt{" * 30 + "x" + "}" * 30, r"\begin{cases}x\end{cases}"])
def test_a_formula_that_cannot_be_drawn_is_shown_as_it_was_typed(formula):
    assert formula in markdown2html({}, f"${formula}$")
    assert formula_picture("x^2")  # matplotlib's parser goes on afterwards


def test_a_formula_is_a_picture_with_the_typed_text_as_alt_text():
    for formula in (r"\dfrac{1}{2}", r"\tfrac{1}{2}"):
        assert f'alt="{formula}"' in markdown2html({}, f"${formula}$")
    assert 'alt="a &lt; b"' in markdown2html({}, "$a < b$")


@pytest.mark.parametrize("attachments", [{}, {"cat.png": {}}])
def test_a_missing_image_becomes_its_alt_text(attachments):
    assert markdown2html({"cell": {"attachments": attachments}}, "![a cat, asleep](attachment:cat.png)") == "<p>a cat, asleep</p>\n"


def test_a_course_may_choose_the_delimiters_of_hidden_lines():
    check = "assert f(1)\n# HIDE\nassert f(2)\n# SHOW\nassert f(3)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(
        check, metadata={"nbgrader": {"grade": True}},
        outputs=[nbformat.v4.new_output("stream", text="# HIDE\nassert f(2)\nassert f(3)\nHIDDEN TESTS are mine")])])
    config = Config({"ClearHiddenTests": {"begin_test_delimeter": "HIDE", "end_test_delimeter": "SHOW"}})
    [cell] = HideHiddenChecks(config=config).preprocess(notebook, {})[0].cells
    assert cell.source == "assert f(1)\nassert f(3)" and cell.outputs[0].text == "assert f(3)\nHIDDEN TESTS are mine"
