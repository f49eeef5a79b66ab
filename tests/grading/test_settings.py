"""What nbgrader_config.py says to the engine."""

import importlib

import pytest
from traitlets import TraitError
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from ninelives.build import ROOT
from ninelives.grading.course import CourseSettings
from ninelives.grading.settings import course_settings, limits_of


class NoProject(AssertionError):
    """There is no project to look at."""


@pytest.fixture(scope="module")
def own():
    """The settings of this course."""
    return course_settings(PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config(), ROOT)


@pytest.mark.parametrize("timeout", [-1, 0, None])
def test_without_a_limit_for_a_cell_it_has_that_of_the_notebook(timeout):
    assert limits_of(Config({"ExecutePreprocessor": {"timeout": timeout}})).cell == limits_of(Config()).notebook


def test_a_course_that_says_nothing_has_the_defaults(tmp_path):
    assert course_settings(Config(), tmp_path) == CourseSettings()


@pytest.mark.parametrize("error", [NoProject, f"{__name__}.NoProject"])
def test_an_error_may_be_given_as_a_class_or_by_its_dotted_name(tmp_path, error):
    settings = course_settings(Config({"Course": {"missing_work_errors": [error]}}), tmp_path)
    assert settings.missing_work_errors == (f"{__name__}.NoProject",)


@pytest.mark.parametrize("error", ["NoProject", 5, int])
def test_what_is_no_error_is_refused_with_what_to_write(tmp_path, error):
    with pytest.raises(TraitError, match="missing_work_errors contains .*: write an exception class or its dotted name"):
        course_settings(Config({"Course": {"missing_work_errors": [error]}}), tmp_path)


def test_a_path_that_is_not_absolute_is_looked_for_in_the_folder_of_the_class(tmp_path):
    settings = course_settings(Config({"Sandbox": {"readable": ["data", "/srv/data"]}}), tmp_path)
    assert settings.readable_paths == (str(tmp_path / "data"), "/srv/data")


def test_the_old_name_of_a_setting_is_refused_with_the_new_one(tmp_path):
    with pytest.raises(TraitError, match="is called c.Sandbox.readable now"):
        course_settings(Config({"Course": {"readable_paths": ["data"]}}), tmp_path)


def test_what_the_sandbox_lets_through_is_said_in_one_sentence(tmp_path):
    opened = {"readable": ["/srv/data"], "environment": {"COURSE_DATA": "/srv/data"}, "processes": 2}
    assert course_settings(Config({"Sandbox": opened}), tmp_path).opened == (
        "The sandbox was opened in nbgrader_config.py: learners' code may read /srv/data, finds the variables COURSE_DATA, "
        "may have 2 other processes at once.")
    assert course_settings(Config(), tmp_path).opened is None


def test_every_module_that_this_course_names_exists(own):
    for name in (*own.preload, *own.solution_packages):
        importlib.import_module(name.removesuffix(".*"))


def test_every_error_that_this_course_names_is_one_by_that_name(own):
    assert own.missing_work_errors
    for dotted in own.missing_work_errors:
        module, _, name = dotted.rpartition(".")
        error = getattr(importlib.import_module(module), name)
        assert issubclass(error, Exception) and (error.__module__, error.__name__) == (module, name)
