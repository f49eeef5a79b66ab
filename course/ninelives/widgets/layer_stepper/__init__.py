"""The layer stepper: one token's vector on its way through a Transformer."""

from ninelives.widgets.layer_stepper.widget import LayerStepper

__all__ = ["LayerStepper"]
