from collections import OrderedDict

import numpy as np
import pytest
import torch

from ninelives.figures import attention_parts

WORDS, OTHERS = ["the", "cat", "it"], ["le", "chat"]


def weights(*shape):
    return torch.softmax(torch.randn(*shape, generator=torch.Generator().manual_seed(0)), -1)


class Output(OrderedDict):
    """What the outputs of Hugging Face have in common."""

    def to_tuple(self):
        return tuple(self.values())


class BeamOutput(Output):
    beam_indices = None  # a field of what beam search returns, and of nothing else


def steps(T):
    """Causal weights of two layers, (B, H, T, T), and the same cut into the steps of `generate` after two words."""
    scores = torch.randn(2, 1, 4, T, T, generator=torch.Generator().manual_seed(0))
    whole = scores.masked_fill(torch.ones(T, T).triu(1) > 0, -torch.inf).softmax(-1)  # (L, B, H, T, T)
    prompt = tuple(whole[..., :2, :2])
    return whole, (prompt, *(tuple(whole[..., t : t + 1, : t + 1]) for t in range(2, T)))


def test_the_parts_of_an_output_are_found_by_its_fields():
    output = Output(logits=weights(1, 3, 9), cross_attentions=(weights(1, 2, 3, 2),), decoder_attentions=(weights(1, 2, 3, 3),),
                    encoder_attentions=(weights(1, 2, 2, 2),))
    parts = attention_parts(output, WORDS, OTHERS)
    assert {name: (part.rows, part.columns, part.cross) for name, part in parts.items()} == {
        "encoder": (OTHERS, OTHERS, False), "decoder": (WORDS, WORDS, False), "cross": (WORDS, OTHERS, True)}


def test_a_decoder_with_cross_attention_has_two_parts_and_empty_fields_are_none():
    attended = Output(attentions=(weights(1, 2, 3, 3),), cross_attentions=(weights(1, 2, 3, 2),))
    assert list(attention_parts(attended, WORDS, OTHERS)) == ["decoder", "cross"]
    assert list(attention_parts(Output(attentions=(weights(1, 2, 3, 3),), cross_attentions=()), WORDS)) == ["attention"]


def test_names_may_be_given_to_weights():
    parts = attention_parts({"before": weights(2, 3, 3), "after": weights(2, 3, 3)}, WORDS)
    assert list(parts) == ["before", "after"]
    assert attention_parts(parts) == parts


def test_the_steps_of_generate_are_the_rows_of_one_matrix():
    whole, in_steps = steps(3)
    part = attention_parts(in_steps, WORDS)["attention"]
    assert np.array_equal(part.weights, whole[:, 0])
    assert part.allowed[1].astype(int).tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_without_a_cache_the_last_step_of_generate_has_all_rows():
    whole, _ = steps(3)
    repeated = [tuple(whole[..., :t, :t]) for t in (2, 3)]
    assert np.array_equal(attention_parts(repeated, WORDS)["attention"].weights, whole[:, 0])


def test_of_a_batch_the_first_example_is_shown_and_said_or_the_one_asked_for():
    layers = (weights(4, 2, 3, 3), weights(4, 2, 3, 3))
    assert attention_parts(layers, WORDS)["attention"].note == "Example 0 (of 4, counted from 0)."
    asked = attention_parts(layers, WORDS, batch=3)["attention"]
    assert np.array_equal(asked.weights[1], layers[1][3])
    assert asked.note == "Example 3 (of 4, counted from 0)."
    one_layer = attention_parts(layers[0], WORDS, batch=1)["attention"]
    assert np.array_equal(one_layer.weights, layers[0][[1]])
    assert attention_parts(torch.stack(layers), WORDS, batch=2)["attention"].weights.shape == (2, 2, 3, 3)


HOW = ('load the model with attn_implementation="eager" and call it with output_attentions=True, or pass the model itself: '
       "AttentionExplorer.of(model, …).")


@pytest.mark.parametrize(("given", "sentence"), [
    (3.5, "attentions has shape (); pass (L, H, T, S), (H, T, S) or (T, S), or a list of L tensors (B, H, T, S)."),
    (BeamOutput(attentions=steps(3)[1]),
     "The output is of beam search, where the beams change places from step to step; call generate with num_beams=1, or pass the model "
     "and the sequence that it wrote: AttentionExplorer.of(model, sequence, …)."),
    (Output(logits=weights(1, 3, 9)), f"The output has no attentions among logits; {HOW}"),
    (Output(attentions=(), cross_attentions=((), ())),
     f"attentions is empty: the model kept no weights, as with SDPA, the default of Hugging Face; {HOW}"),
    ((None, None), f"attentions is empty: the model kept no weights, as with SDPA, the default of Hugging Face; {HOW}"),
    (((weights(1, 2, 3, 3),), (weights(1, 2, 1, 4),) * 2),
     "attentions holds tuples of different lengths; pass the L layers of one part, or what generate() returns, one tuple of L layers "
     "for each step."),
    ((weights(1, 3, 9), (weights(1, 2, 3, 3),)),
     "attentions holds tensors and tuples, as a model returns them with return_dict=False; pass the tuple of attentions alone, often "
     "outputs[-1]."),
    (steps(4)[1][1:],
     "tokens has 3 labels for 2 rows of attention; pass one label for each."),
    (steps(2)[1],
     "tokens has 3 labels for 2 rows of attention; what generate() adds last has attended to nothing yet, so for its output pass tokens[:-1]."),
    (Output(encoder_attentions=(weights(1, 2, 2, 2),), decoder_attentions=(weights(1, 2, 3, 3),)),
     "There are several parts (encoder, decoder), but words for one: pass the decoder's words as tokens and the encoder's as columns."),
])
def test_what_cannot_be_shown_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(ValueError) as error:
        attention_parts(given, WORDS)
    assert str(error.value) == sentence


def test_a_text_that_was_cut_is_refused_with_the_advice_to_hide_words():
    with pytest.raises(ValueError, match=r"sums to 0\.\d+, not to 1: .* of a text that was cut, pass all rows and columns, and leave words out with hidden="):
        attention_parts(weights(2, 4, 4)[:, 1:, 1:], WORDS)
