"""The package's reference from its docstrings."""

from ninelives import model
from ninelives.site.reference import markdown, reference

DOCSTRING = """Write on.

Args:
    model: a decoder; it may be
        one of yours.
    temperature, top_k: see `next_token_probabilities`.

Returns:
    (B, T) ids.

And more."""


def test_the_sections_of_a_docstring_become_lists():
    assert markdown(DOCSTRING) == """Write on.


**Args**

- `model`: a decoder; it may be
  one of yours.
- `temperature, top_k`: see `next_token_probabilities`.


**Returns**

(B, T) ids.


And more."""


def test_each_public_part_is_described_with_its_signature_and_its_text():
    pages = reference()
    for name in model.__all__:
        assert f"ninelives.model.{name}(" in pages["model"]
    assert "(B, T)" in pages["model"] and "ninelives.weights.load(name: str" in pages["weights"]
    assert " at 0x" not in "".join(pages.values())
