"""The attention explorer: every head of a model, at hand with mouse and keyboard."""

from ninelives.widgets.attention_explorer.widget import AttentionExplorer

__all__ = ["AttentionExplorer"]
