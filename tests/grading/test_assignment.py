"""Which answer a check belongs to."""

from ninelives.grading.assignment import Cell, Notebook


def test_a_check_belongs_to_the_answer_with_its_name_or_to_the_last_one():
    def cell(name, **metadata):
        return Cell(name, name, "code", "", "", "", metadata)

    answers = [cell("block", solution=True), cell("block-mask", solution=True), cell("other", solution=True)]
    checks = [cell(name, grade=True) for name in ("block-mask-rows", "block-rows", "block", "mask-rows")]
    notebook = Notebook("n", (*answers, *checks), {})
    assert [notebook.answer_of(check).name for check in checks] == ["block-mask", "block", "block", "other"]
