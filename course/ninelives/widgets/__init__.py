"""What moves: one anywidget per tool, drawn in the browser."""

from ninelives.widgets.attention_explorer import AttentionExplorer

__all__ = ["AttentionExplorer"]
