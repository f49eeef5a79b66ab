"""What a page shows of a notebook: released sources, outputs of the solved one, and never a solution."""

import nbformat
import pytest

from ninelives.build import solved_lab
from ninelives.site.outputs import VIEW
from ninelives.site.view import ABOUT_AN_EXERCISE, learners_view, shown_of_solutions

TEXT = '''# %% [markdown]
# # 1 · Doubling

# %% solution="double"
def double(x):
    ### BEGIN SOLUTION
    return x + x
    ### END SOLUTION

# %%
print(double(2))

# %%
where_am_i()
'''


def notebook(text, tmp_path):
    path = tmp_path / "lab.py"
    path.write_text(text, encoding="utf-8")
    return solved_lab(path)


@pytest.fixture
def both(tmp_path):
    executed = notebook(TEXT, tmp_path)
    executed.cells[2].outputs = [nbformat.v4.new_output("stream", text="4\n")]
    released = nbformat.from_dict(notebook(TEXT, tmp_path))
    released.cells[1].source = 'def double(x):\n    raise NotImplementedError()'
    return executed, released


def test_a_page_has_the_released_sources_and_the_outputs_of_the_solved_notebook(both):
    view = learners_view(*both)
    assert "raise NotImplementedError()" in view.cells[1].source
    assert view.cells[3].outputs[0].text == "4\n"
    assert not any("x + x" in cell.source for cell in view.cells)


def test_a_page_says_below_its_heading_and_at_each_exercise_what_it_shows(both):
    view = learners_view(*both)
    heading, about = view.cells[0].source.split("\n\n", 1)
    assert heading == "# 1 · Doubling" and about.startswith("> This is the lab after every cell has been run. The solutions are left out")
    assert "Where it says *yours*, *your* or *your own*" in about
    assert [cell.source for cell in view.cells].count(ABOUT_AN_EXERCISE) == 1


QUIZ = '''# %% [markdown]
# # 1 · Doubling
#
# Choose first, then run the cell.

# %%
ask.what_is_doubled()

# %% [markdown]
# Try it:

# %%
print("the answer")

# %%
print("and why")

# %% [markdown]
# It is this.

# %%
print("what follows")

# %%
ask.what_is_written()

# %% [markdown]
# ## Build it

# %%
print("nothing to do with it")
'''


def test_what_answers_a_question_is_folded_up_to_the_next_text_or_section(tmp_path):
    executed = notebook(QUIZ, tmp_path)
    executed.metadata.ninelives_widgets = {"question": {"lab": "choice"}}
    for cell in executed.cells:
        if cell.source.startswith("ask."):
            cell.outputs = [nbformat.v4.new_output("display_data", {VIEW: {"model_id": "question"}})]
    folded = [cell.source for cell in learners_view(executed, executed).cells if "hide-output" in cell.metadata.get("tags", [])]
    assert folded == ['print("the answer")', 'print("and why")']


def test_the_recipe_that_solves_an_exercise_is_folded_where_it_is_printed(both):
    executed, released = both
    executed.cells[2].outputs[0].text = "Your own now: recipe.\nRecipe(rate=0.1,\n        seed=3)\nThe model is small.\n"
    before, recipe, after = learners_view(executed, released).cells[3].outputs
    assert (before.text, after.text) == ("Your own now: recipe.\n", "The model is small.\n")
    assert recipe.data["text/html"] == "<details><summary>The recipe of the solution</summary><pre>Recipe(rate=0.1,\n        seed=3)\n</pre></details>"


def test_where_a_learner_is_in_their_own_folder_is_left_out(both):
    assert not any("where_am_i" in cell.source for cell in learners_view(*both).cells)


def test_other_cells_than_those_released_are_refused(both):
    executed, released = both
    released.cells.pop()
    with pytest.raises(ValueError, match="other cells than the solved one: run make build"):
        learners_view(executed, released)


def test_a_solution_or_a_hidden_check_that_an_output_shows_is_found(both):
    executed, released = both
    solved = nbformat.from_dict(executed)
    solved.cells[1].source = "def double(x):\n    return torch.stack((x, x)).sum(dim=0)"
    assert shown_of_solutions(learners_view(*both), solved, released) == []
    executed.cells[2].outputs[0].text = "line 2: return torch.stack((x, x)).sum(dim=0)"
    assert shown_of_solutions(learners_view(*both), solved, released) == ["return torch.stack((x, x)).sum(dim=0)"]


def test_notebook_9_says_that_its_training_was_made_before(tmp_path):
    nine = notebook(TEXT.replace("# # 1", "# # 9"), tmp_path)
    assert "Nothing was trained for this page" in learners_view(nine, nine).cells[0].source
