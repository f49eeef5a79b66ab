"""Every setting of nbgrader's that an instructor can write is obeyed, has no meaning for grading, or is refused by its name."""

from types import SimpleNamespace

import pytest
from nbgrader.apps import NbGraderApp
from nbgrader.converters import Autograde, BaseConverter
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    Execute,
    IgnorePattern,
    IncludeHeaderFooter,
    LimitOutput,
    OverwriteCells,
    SaveAutoGrades,
)
from traitlets.config import Config

from ninelives.grading.errors import CannotStart
from ninelives.grading.nbgrader_hook import LenientExporter, SandboxedExecute
from ninelives.grading.nbgrader_settings import (
    OBEYED,
    REPLACED,
    SANITIZERS,
    WITHOUT_MEANING,
    later_preprocessors,
    refuse_settings,
)

# Classes of nbgrader's with settings: those that the engine replaces, those of which it uses nbgrader's own code ...
ENGINES = {Autograde, BaseConverter, *REPLACED, *SANITIZERS}
NBGRADERS = {CourseDirectory, LateSubmissionPlugin, IgnorePattern, LimitOutput, IncludeHeaderFooter}
# ... and those that play no part in nbgrader autograde either.
OTHER_COMMANDS = {
    "Assign", "Authenticator", "ClearHiddenTests", "ClearMarkScheme", "ClearSolutions", "ComputeChecksums", "CsvExportPlugin",
    "ExportPlugin", "ExtractorPlugin", "Feedback", "FileNameCollectorPlugin", "GenerateAssignment", "GenerateFeedback",
    "GenerateSolution", "GenerateSourceWithTests", "GetGrades", "InstantiateTests", "LockCells", "NbGrader", "SaveCells"}


class Mine:
    """A preprocessor of the instructor's own."""


class MyOwn(OverwriteCells):
    """One that changes what nbgrader's does."""


def autograde(settings: dict | None = None, **lists) -> SimpleNamespace:
    """What refuse_settings reads of nbgrader's converter."""
    return SimpleNamespace(config=Config(settings or {}), **{
        name: lists.get(name, getattr(Autograde, name).default()) for name in ("sanitize_preprocessors", "autograde_preprocessors")})


def test_each_class_of_nbgraders_with_settings_is_known():
    classes = [one for one in NbGraderApp().all_configurable_classes()
               if not one.__name__.startswith("Exchange") and not one.__name__.endswith("App")]
    unknown = {one.__name__ for one in {*classes} - ENGINES - NBGRADERS if one.__name__ not in OTHER_COMMANDS}
    assert len(classes) > 30 and unknown == set()


@pytest.mark.parametrize("owner", sorted(ENGINES - {BaseConverter}, key=lambda one: one.__name__), ids=lambda owner: owner.__name__)
def test_every_setting_of_what_the_engine_replaces_is_obeyed_or_refused_by_its_name(owner):
    known = OBEYED.get(owner, set()) | WITHOUT_MEANING.get(owner, set())
    names = set(owner.class_traits(config=True))
    assert known <= names, "the lists name no setting that does not exist"
    for name in names - known:
        with pytest.raises(CannotStart, match=rf"c\.{owner.__name__}\.{name} = 'another value' has no effect .*: take it out"):
            refuse_settings(autograde({owner.__name__: {name: "another value"}}))


def test_a_setting_is_also_refused_under_the_name_of_a_base_class_and_if_it_is_appended_to():
    for section, name in (("NbGraderPreprocessor", "enabled"), ("BaseConverter", "pre_convert_hook"), ("NotebookClient", "timeout_func")):
        with pytest.raises(CannotStart, match=rf"c\.{section}\.{name} = 'x' has no effect"):
            refuse_settings(autograde({section: {name: "x"}}))
    asked = autograde()
    asked.config.Execute.extra_arguments.append("--pylab")
    with pytest.raises(CannotStart, match=r"c\.Execute\.extra_arguments = .* has no effect"):
        refuse_settings(asked)
    looked_at = autograde()
    assert not looked_at.config.Execute.extra_arguments.to_dict()
    refuse_settings(looked_at)


def test_the_old_name_of_a_section_is_refused_with_the_new_one():
    with pytest.raises(CannotStart, match=r"c\.AutogradeApp\.create_student is called c\.Autograde\.create_student now"):
        refuse_settings(autograde({"AutogradeApp": {"create_student": False}}))


@pytest.mark.parametrize(("lists", "words"), [
    ({"sanitize_preprocessors": [*SANITIZERS, Mine]}, "sanitize_preprocessors runs Mine before the points are counted"),
    ({"sanitize_preprocessors": [*SANITIZERS, MyOwn]}, "sanitize_preprocessors runs MyOwn before the points are counted"),
    ({"sanitize_preprocessors": [*SANITIZERS, "nbgrader.preprocessors.LimitOutput"]}, "sanitize_preprocessors runs LimitOutput before"),
    ({"autograde_preprocessors": [Mine, *REPLACED]}, "autograde_preprocessors runs Mine before the points are counted"),
    ({"autograde_preprocessors": [Execute, Mine(), SaveAutoGrades, AssignLatePenalties, CheckCellMetadata]}, "runs Mine before the points"),
    ({"autograde_preprocessors": [Mine, SandboxedExecute]}, "autograde_preprocessors runs Mine before the points are counted"),
    ({"autograde_preprocessors": [Execute, SaveAutoGrades, CheckCellMetadata]}, "autograde_preprocessors lacks AssignLatePenalties"),
    ({"autograde_preprocessors": []}, "autograde_preprocessors lacks Execute"),
    ({"sanitize_preprocessors": [ClearOutput]}, "sanitize_preprocessors lacks DeduplicateIds, whose work ninelives-grade always does"),
    ({"autograde_preprocessors": ["no.such.module"]}, "A preprocessor in nbgrader_config.py cannot be imported: No module named 'no'"),
])
def test_a_list_of_preprocessors_that_would_not_be_obeyed_is_refused_with_what_helps(lists, words):
    with pytest.raises(CannotStart, match=words):
        refuse_settings(autograde(**lists))


@pytest.mark.parametrize(("lists", "later"), [
    ({}, ["IgnorePattern", "ClearMetadataPreprocessor", "LimitOutput"]),
    ({"autograde_preprocessors": [*REPLACED, LimitOutput, Mine]}, ["LimitOutput", "Mine"]),
    ({"sanitize_preprocessors": [], "autograde_preprocessors": [SandboxedExecute, Mine]}, ["Mine"]),
    ({"sanitize_preprocessors": [], "autograde_preprocessors": [f"{SandboxedExecute.__module__}.SandboxedExecute"]}, []),
])
def test_a_preprocessor_after_the_points_is_obeyed(lists, later):
    asked = autograde({"Autograde": {"exporter_class": f"{LenientExporter.__module__}.LenientExporter"}}, **lists)
    refuse_settings(asked)
    assert [step.__name__ for step in later_preprocessors(asked)] == later
