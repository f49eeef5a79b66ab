"""The mask lab: who may attend to whom in a batch, and what that does to the softmax."""

from ninelives.widgets.mask_lab.widget import MaskLab

__all__ = ["MaskLab"]
