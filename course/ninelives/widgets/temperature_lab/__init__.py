"""The temperature lab: what a model would say next, and how temperature, top-k and top-p change the draw."""

from ninelives.widgets.temperature_lab.widget import TemperatureLab

__all__ = ["TemperatureLab"]
