"""A question without code: predict, choose an answer, and read why it is right or not."""

from ninelives.widgets.choice.widget import Choice

__all__ = ["Choice"]
