import pytest

from helpers import small
from ninelives.training import train
from ninelives.training.progress import duration


def test_a_line_of_text_shows_the_progress(capsys):
    train(small.model(), small.draw_batch, small.RECIPE, evaluate=small.evaluate)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[0].startswith("step 10 of 30 · loss 2.") and "accuracy 0." in lines[0]
    assert lines[0].endswith(" left") and not lines[2].endswith(" left")


@pytest.mark.parametrize(("seconds", "text"), [(7.4, "7 s"), (200, "3 min 20 s"), (3900, "1 h 5 min")])
def test_a_duration_has_at_most_two_units(seconds, text):
    assert duration(seconds) == text
