"""A mistake in the triangle is known in the decoder too, where the encoder's mask hides a part of it."""

import pytest

from ninelives.checks.decoder import Given, causal_mask, decoder


@pytest.mark.parametrize(
    "mistake", [pytest.param(each, id=each.answer.__name__) for each in causal_mask.mistakes if each.answer(3).shape == (3, 3)]
)
def test_a_mistake_in_the_triangle_has_the_same_sentence_in_a_decoder(mistake):
    class Mistaken(Given):
        def get_attention_mask(self, num_tokens, T=None):
            mask = self.encoder_mask(num_tokens, T)
            return mask & mistake.answer(mask.shape[-1]).bool()

    for seed in (0, 1, 2):
        aspect, failure = decoder.first_failure(Mistaken, seed)
        assert (aspect, failure.cause) == ("triangle", mistake.cause)
        assert failure.picture().alt
