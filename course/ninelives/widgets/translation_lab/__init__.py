"""The translation lab: type a sentence and watch its translation being written, word by word."""

from ninelives.widgets.translation_lab.widget import TranslationLab

__all__ = ["TranslationLab"]
