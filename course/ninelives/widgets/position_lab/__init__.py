"""The position lab: move a word along the sentence and watch its vector."""

from ninelives.widgets.position_lab.widget import PositionLab

__all__ = ["PositionLab"]
