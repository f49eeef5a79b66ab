"""What late work costs, without running any code."""

import re

import pytest
from traitlets import TraitError
from traitlets.config import Config

from ninelives.build import ROOT
from ninelives.grading.late_policy import LatePolicy, lateness

DAY = 86400


def penalty(seconds, score=8.5, **settings):
    return LatePolicy(config=Config({"LatePolicy": settings})).late_submission_penalty("ada", score, seconds)


def test_without_settings_late_work_costs_nothing():
    assert penalty(9 * DAY) is None


@pytest.mark.parametrize(("seconds", "lost"), [(1, 0.85), (DAY, 0.85), (DAY + 1, 1.7), (9.5 * DAY, 8.5), (400 * DAY, 8.5)])
def test_each_day_that_has_begun_costs_its_share_and_never_more_than_there_is(seconds, lost):
    assert penalty(seconds, per_day=0.1) == pytest.approx(lost)


def test_a_penalty_has_no_more_than_two_decimals():
    assert penalty(1, score=7.3, per_day=1 / 3) == 2.43


def test_within_the_grace_period_nothing_is_lost_and_after_it_days_count_from_the_due_date():
    assert penalty(15 * 60, grace=15, per_day=0.1) is None
    assert penalty(15 * 60 + 1, grace=15, per_day=0.1) == 0.85
    assert penalty(DAY + 1, grace=15, per_day=0.1) == 1.7


def test_the_figures_of_the_page_for_teachers():
    page = (ROOT / "docs" / "teaching" / "dates.md").read_text(encoding="utf-8")
    settings = {name: float(value) for name, value in re.findall(r"c\.LatePolicy\.(\w+) = ([\d.]+)", page)}
    left = [8.5 - (penalty(seconds, **settings) or 0) for seconds in (2 * 60, 3600, 25 * 3600)]
    [words] = re.findall(r"8\.5 points that came two minutes late stay (\S+); an hour late they become (\S+), and 25 hours late (\S+)\.", page)
    assert left == [float(word) for word in words]


def test_the_setting_of_nbgraders_own_plugin_still_counts():
    plugin = LatePolicy(config=Config({"LateSubmissionPlugin": {"penalty_method": "zero"}, "LatePolicy": {"grace": 1}}))
    assert (plugin.late_submission_penalty("ada", 8.5, 61), plugin.late_submission_penalty("ada", 8.5, 60)) == (8.5, None)


@pytest.mark.parametrize("settings", [{"per_day": 10}, {"per_day": -0.1}, {"grace": -5}])
def test_a_share_above_one_and_a_negative_grace_are_refused(settings):
    with pytest.raises(TraitError, match=next(iter(settings))):
        penalty(1, **settings)


@pytest.mark.parametrize(("seconds", "words"), [
    (0.2, "late by 1 s"), (59, "late by 59 s"), (130, "late by 2 min"), (3600, "late by 1 h"), (2 * 3600 + 300, "late by 2 h 5 min"),
    (DAY, "late by 1 day"), (2 * DAY + 7200, "late by 2 days 2 h"),
])
def test_lateness_is_said_in_the_largest_units(seconds, words):
    assert lateness(seconds) == words
