"""Which names of a widget may be set."""

import inspect


class OwnTraits:
    """A widget in which a misspelt trait is refused: it would be kept without a word, and nothing would change."""

    def __setattr__(self, name: str, value) -> None:
        kind = type(self)
        if not name.startswith("_") and not hasattr(kind, name) and not any(name in inspect.get_annotations(base) for base in kind.__mro__):
            raise AttributeError(f"{kind.__name__} has no trait {name!r}; it has {', '.join(self._own_traits())}.")
        super().__setattr__(name, value)

    def _own_traits(self) -> list[str]:
        """The synced traits that are not ipywidgets' own."""
        return [name for name in self.keys if not name.startswith("_") and name not in ("layout", "tabbable", "tooltip")]
