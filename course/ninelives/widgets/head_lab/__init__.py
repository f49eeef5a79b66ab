"""The head lab: hide words, take heads out or patch them in, and see what becomes of a translation."""

from ninelives.widgets.head_lab.widget import HeadLab

__all__ = ["HeadLab"]
