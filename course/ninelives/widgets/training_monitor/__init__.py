"""The training monitor: a training while it runs, beside earlier ones."""

from ninelives.widgets.training_monitor.widget import TrainingMonitor

__all__ = ["TrainingMonitor"]
