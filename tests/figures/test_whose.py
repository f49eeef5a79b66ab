import pytest

from ninelives import model
from ninelives.figures import whose


class Decoder(model.Decoder):
    pass


class Encoder(model.Encoder):
    def get_attention_mask(self, num_tokens, T):
        return None


def generate():
    pass


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Decoder, "your Decoder"), (Decoder.__new__(Decoder), "your Decoder"), (generate, "your generate"),
        (lambda: 0, "your <lambda>"),
        (model.Decoder, "the package's Decoder"), (model.Decoder.__new__(model.Decoder), "the package's Decoder"),
        (model.generate, "the package's generate"),
        (Encoder.__new__(Encoder).get_attention_mask, "your get_attention_mask"),
        (Decoder.__new__(Decoder).get_attention_mask, "the package's get_attention_mask"),  # inherited
    ],
)
def test_a_part_is_called_the_packages_where_the_package_has_written_it(part, said):
    assert whose(part) == said
