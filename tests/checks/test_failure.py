import pytest
from IPython.core.interactiveshell import InteractiveShell

from ninelives.checks.failure import CheckFailed, NotWritten, in_case


def test_a_long_message_is_broken_between_words_and_stays_under_its_head():
    lines = CheckFailed("short.", "a " + "word " * 40, "why.")._render_traceback_()
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("  wanted: a word") and lines[2].startswith("          word")
    assert (lines[0], lines[-1]) == ("  seen:   short.", "  likely: why.")


def test_ipython_shows_the_three_lines_and_no_traceback(capsys):
    shell = InteractiveShell()
    shell.user_ns["CheckFailed"] = CheckFailed
    shell.run_cell('raise CheckFailed("two rows.", "three.", "count again.")')
    printed = "".join(capsys.readouterr())
    assert "seen:   two rows." in printed
    assert "wanted: three." in printed
    assert "likely: count again." in printed
    assert "Traceback" not in printed and "raise" not in printed


def test_a_case_is_said_before_what_was_seen_and_may_replace_the_rest():
    with pytest.raises(CheckFailed) as caught, in_case("with no words", wanted="a number.", cause="count from 0."):
        raise CheckFailed("it is empty.", "a list.", "why.", error="IndexError")
    failure = caught.value
    assert (failure.seen, failure.wanted, failure.cause) == ("with no words, it is empty.", "a number.", "count from 0.")
    assert failure.error == ""  # no hint may replace this cause


def test_a_case_alone_leaves_wanted_cause_and_error_as_they_are():
    with pytest.raises(CheckFailed) as caught, in_case("with no words"):
        raise CheckFailed("it is empty.", "a list.", "why.", error="IndexError")
    assert str(caught.value) == "\n  seen:   with no words, it is empty.\n  wanted: a list.\n  likely: why."
    assert caught.value.error == "IndexError"


def test_a_line_without_words_is_left_out():
    assert str(CheckFailed("f raised KeyError.", "", "")) == "\n  seen:   f raised KeyError."


def test_what_is_not_written_keeps_its_cause_in_every_case():
    with pytest.raises(NotWritten, match="with no words, f is not written yet") as caught, in_case("with no words", cause="count."):
        raise NotWritten("f is not written yet.", "your own lines.", "run the cell.")
    assert caught.value.cause == "run the cell."
