"""What moves: one anywidget per tool, drawn in the browser."""

from ninelives.widgets.attention_explorer import AttentionExplorer
from ninelives.widgets.layer_stepper import LayerStepper
from ninelives.widgets.mask_lab import MaskLab
from ninelives.widgets.position_lab import PositionLab
from ninelives.widgets.temperature_lab import TemperatureLab
from ninelives.widgets.training_monitor import TrainingMonitor
from ninelives.widgets.translation_lab import TranslationLab

__all__ = ["AttentionExplorer", "LayerStepper", "MaskLab", "PositionLab", "TemperatureLab", "TrainingMonitor", "TranslationLab"]
