"""What moves: one anywidget per tool, drawn in the browser.

Each shows itself where it is the last line of a cell. `describe()` says in words what it shows, `picture()` is a still
`ninelives.figures.Picture` of it, and `save_html(path)` writes a page of it that works without Python.
"""

# Each tool is a folder. Its `widget.py` has the traits and what Python computes, `index.js` draws in the browser, and the
# files beside them have one subject each: in_words.py and in_words.js say the same. `js/` and `base.css` have what all
# tools share in the browser. `inline.py` makes one text of a tool's modules, since a notebook loads it from a blob.

from ninelives.widgets.attention_explorer import AttentionExplorer
from ninelives.widgets.choice import Choice
from ninelives.widgets.head_lab import HeadLab
from ninelives.widgets.layer_stepper import LayerStepper
from ninelives.widgets.mask_lab import MaskLab
from ninelives.widgets.position_lab import PositionLab
from ninelives.widgets.temperature_lab import TemperatureLab
from ninelives.widgets.training_monitor import TrainingMonitor
from ninelives.widgets.translation_lab import TranslationLab

__all__ = [
    "AttentionExplorer", "Choice", "HeadLab", "LayerStepper", "MaskLab", "PositionLab", "TemperatureLab", "TrainingMonitor",
    "TranslationLab",
]
