"""Which settings of nbgrader's autograde the engine obeys. All others are refused by name: none is silently ignored."""

from contextlib import suppress
from typing import Any

from nbgrader.converters import Autograde
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    Execute,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from traitlets import TraitError
from traitlets.config import Configurable, LazyConfigValue
from traitlets.config.loader import DeferredConfig
from traitlets.utils.importstring import import_item

from ninelives.grading.errors import CannotStart

# The engine does what these preprocessors of nbgrader's do.
REPLACED = (Execute, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata)
SANITIZERS = (ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, CheckCellMetadata)

# Settings of the replaced classes with an effect here; and such as only say how nbgrader talks to its own kernels.
OBEYED = {
    Autograde: {"create_student", "exclude_overwriting", "permissions", "force", "sanitize_preprocessors",
                "autograde_preprocessors", "exporter_class"},
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
    """A list of preprocessors in nbgrader's settings, with classes for their dotted names."""
    return [import_item(step) if isinstance(step, str) else step for step in listed]


def refuse_settings(autograde: Autograde) -> None:
    """Raises CannotStart if nbgrader_config.py or the command line sets something that has no effect here."""
    for owner in dict.fromkeys((Autograde, *REPLACED, *SANITIZERS)):
        known = OBEYED.get(owner, set()) | WITHOUT_MEANING.get(owner, set())
        for name, value, section in _settings_of(autograde.config, owner):
            if name not in known:
                raise CannotStart(f"c.{section}.{name} = {value!r} has no effect on ninelives-grade: take it out of "
                                  "nbgrader_config.py, or grade with nbgrader autograde")
    steps = preprocessors(autograde.autograde_preprocessors)
    before = next((steps[:index] for index, step in enumerate(steps) if _is_class(step, Execute)), steps)
    first = [step for step in preprocessors(autograde.sanitize_preprocessors) if not _is_class(step, SANITIZERS)]
    for step, setting in [(one, "sanitize_preprocessors") for one in first] + [(one, "autograde_preprocessors") for one in before]:
        raise CannotStart(f"c.Autograde.{setting} runs {_named(step)} before the notebook runs, and ninelives-grade runs "
                          "preprocessors only after it: put it after Execute in c.Autograde.autograde_preprocessors, or "
                          "grade with nbgrader autograde")


def _settings_of(config: dict, owner: type[Configurable]) -> list[tuple[str, Any, str]]:
    """What is set of a class, under its own name or that of a class it is made from: name, value and section."""
    traits, found = owner.class_traits(config=True), []
    for one in owner.__mro__:
        section = config.get(one.__name__, {}) if issubclass(one, Configurable) else {}
        for name, value in section.items():
            if isinstance(value, DeferredConfig):  # from the command line
                with suppress(TraitError, ValueError, KeyError):
                    value = value.get_value(traits[name])
            if name in traits and not isinstance(value, LazyConfigValue) and value != traits[name].default(owner):
                found.append((name, value, one.__name__))
    return found


def _is_class(step: Any, classes: type | tuple[type, ...]) -> bool:
    return isinstance(step, type) and issubclass(step, classes)


def _named(step: Any) -> str:
    return step.__name__ if isinstance(step, type) else type(step).__name__
