"""Which settings of nbgrader's autograde the engine obeys. All others are refused by name: none is silently ignored."""

from contextlib import suppress
from typing import Any

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.converters import Autograde
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    Execute,
    IgnorePattern,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from traitlets import TraitError
from traitlets.config import Configurable, LazyConfigValue
from traitlets.config.loader import DeferredConfig
from traitlets.utils.importstring import import_item

from ninelives.grading.errors import CannotStart

# The engine does what these preprocessors of nbgrader's do, always.
REPLACED = (Execute, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata)
SANITIZERS = (ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckCellMetadata)
# These run after the points are counted, and nbgrader before: none changes a point.
WITHOUT_POINTS = (IgnorePattern, ClearMetadataPreprocessor, LimitOutput)

# Settings of the replaced classes with an effect here; and such as only say how nbgrader talks to its own kernels.
OBEYED = {
    Autograde: {"create_student", "exclude_overwriting", "permissions", "force", "sanitize_preprocessors",
                "autograde_preprocessors"},
    Execute: {"timeout", "kernel_name", "enabled"},
    OverwriteCells: {"add_missing_cells"},
    AssignLatePenalties: {"plugin_class"},
}
WITHOUT_MEANING = {
    Execute: {"iopub_timeout", "raise_on_iopub_timeout", "startup_timeout", "shell_timeout_interval", "shutdown_kernel",
              "kernel_manager_class", "ipython_hist_file", "interrupt_on_timeout"},
    OverwriteCells: {"missing_cell_notification"},
    ClearOutput: {"remove_metadata_fields", "enabled"},
}


def preprocessors(listed: list) -> list:
    """A list of preprocessors in nbgrader's settings, with classes for their dotted names. Raises CannotStart."""
    try:
        return [import_item(step) if isinstance(step, str) else step for step in listed]
    except ImportError as problem:
        raise CannotStart(f"A preprocessor in nbgrader_config.py cannot be imported: {problem}") from None


def later_preprocessors(autograde: Autograde) -> list:
    """Those of c.Autograde.autograde_preprocessors that run on a graded notebook; the engine does what the others do."""
    return [step for step in preprocessors(autograde.autograde_preprocessors) if step not in REPLACED and not _is_the_hooks(step)]


def refuse_settings(autograde: Autograde) -> None:
    """Raises CannotStart if nbgrader_config.py or the command line sets something that has no effect here."""
    for name in autograde.config.get("AutogradeApp", {}):  # of nbgrader before 0.6
        raise CannotStart(f"c.AutogradeApp.{name} is called c.Autograde.{name} now: change it in nbgrader_config.py")
    for owner in dict.fromkeys((Autograde, *REPLACED, *SANITIZERS)):
        known = OBEYED.get(owner, set()) | WITHOUT_MEANING.get(owner, set())
        for name, value, section in _settings_of(autograde.config, owner):
            if name not in known and not (name == "exporter_class" and _is_the_hooks(value)):
                raise CannotStart(f"c.{section}.{name} = {value!r} has no effect on ninelives-grade: take it out of "
                                  "nbgrader_config.py, or grade with nbgrader autograde")
    _refuse_preprocessors(autograde)


def _refuse_preprocessors(autograde: Autograde) -> None:
    """Raises CannotStart if a list of preprocessors has one that would not run when it should, or lacks one that always runs."""
    first, steps = preprocessors(autograde.sanitize_preprocessors), preprocessors(autograde.autograde_preprocessors)
    counted = next((index for index, step in enumerate(steps) if step is SaveAutoGrades or _is_the_hooks(step)), len(steps))
    early = [(step, "sanitize_preprocessors") for step in first if step not in SANITIZERS]
    early += [(step, "autograde_preprocessors") for step in steps[:counted] if step not in (*REPLACED, *WITHOUT_POINTS)]
    for step, setting in early:
        raise CannotStart(f"c.Autograde.{setting} runs {_named(step)} before the points are counted, and ninelives-grade "
                          "runs preprocessors only afterwards: put it after SaveAutoGrades in "
                          "c.Autograde.autograde_preprocessors, or grade with nbgrader autograde")
    if any(map(_is_the_hooks, steps)):
        return
    lacking = [(step, "sanitize_preprocessors") for step in SANITIZERS if step not in first]
    lacking += [(step, "autograde_preprocessors") for step in REPLACED if step not in steps]
    for step, setting in lacking:
        raise CannotStart(f"c.Autograde.{setting} lacks {_named(step)}, whose work ninelives-grade always does: put it back, "
                          "or grade with nbgrader autograde")


def _settings_of(config: dict, owner: type[Configurable]) -> list[tuple[str, Any, str]]:
    """What is set of a class, under its own name or that of a class it is made from: name, value and section."""
    traits, found = owner.class_traits(config=True), []
    for one in owner.__mro__:
        section = config.get(one.__name__, {}) if issubclass(one, Configurable) else {}
        for name, value in section.items():
            if isinstance(value, DeferredConfig):  # from the command line
                with suppress(TraitError, ValueError, KeyError):
                    value = value.get_value(traits[name])
            if isinstance(value, LazyConfigValue) and not value.to_dict():  # only looked at
                continue
            if name in traits and value != traits[name].default(owner):
                found.append((name, value, one.__name__))
    return found


def _is_the_hooks(setting: Any) -> bool:
    """Whether it is one of the two classes with which nbgrader autograde runs the engine."""
    from ninelives.grading.nbgrader_hook import LenientExporter, SandboxedExecute  # which needs this module

    own = {f"{one.__module__}.{one.__name__}": one for one in (LenientExporter, SandboxedExecute)}
    return setting in own or setting in own.values()


def _named(step: Any) -> str:
    return step.__name__ if isinstance(step, type) else type(step).__name__
