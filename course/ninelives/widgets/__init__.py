"""What moves: one anywidget per tool, drawn in the browser."""

from ninelives.widgets.attention_explorer import AttentionExplorer
from ninelives.widgets.layer_stepper import LayerStepper
from ninelives.widgets.mask_lab import MaskLab
from ninelives.widgets.position_lab import PositionLab

__all__ = ["AttentionExplorer", "LayerStepper", "MaskLab", "PositionLab"]
