import pytest
import torch
from captum.attr import FeatureAblation, InputXGradient, LayerFeatureAblation

from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder
from ninelives.model.causes import (
    ablation,
    gradient_times_input,
    heads_of,
    logit_difference,
    occlusion,
    patching,
    without_words,
    word_choice,
)

CONFIG = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=3, n_layer=2, dropout=0.3)
ANSWERING = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=2, n_layer=1, dropout=0.3)
IL, ELLE = 5, 9
SENTENCES, OTHERS = torch.randint(10, 13, (2, 3, 6), generator=torch.Generator().manual_seed(0))
ANSWERS = torch.tensor([[1, 2, IL, 3], [4, 1, ELLE, IL], [2, 2, IL, 1]])
CHOICE = word_choice(SENTENCES, ANSWERS, (IL, ELLE))


@pytest.fixture(scope="module")
def model() -> EncoderDecoder:
    """In training mode, in which nothing may depend on dropout."""
    torch.manual_seed(0)
    made = EncoderDecoder(CONFIG, ANSWERING).double().train()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.6)
    return made


@pytest.fixture
def of_vectors(model):
    """The difference as a function of the vectors of the sentence, as captum asks for it."""

    def forward(vectors: torch.Tensor) -> torch.Tensor:
        hook = model.encoder.layers["embedding"].token.register_forward_hook(lambda *_: vectors)
        try:
            return logit_difference(model, CHOICE)
        finally:
            hook.remove()

    return forward


@pytest.fixture
def vectors(model) -> torch.Tensor:
    return model.encoder.layers["embedding"].token(SENTENCES).detach()


def test_a_choice_is_where_the_answers_have_the_first_of_the_words():
    assert CHOICE.answer.tolist() == [[1, 2], [4, 1], [2, 2]] and CHOICE.words == (IL, ELLE)


@pytest.mark.parametrize(("answers", "places"), [
    ([[1, 2, 3], [1, IL, 3], [1, IL, 2]], "[[], [1], [1]]"), ([[1, IL, 3], [1, 2, IL], [1, IL, 2]], "[[1], [2], [1]]"),
    ([[IL, 2, 3]] * 3, "[[0], [0], [0]]"),
])
def test_answers_without_a_common_choice_are_refused(answers, places):
    with pytest.raises(ValueError, match="needs the word 5 or 9 at the same position") as refused:
        word_choice(SENTENCES, torch.tensor(answers), (IL, ELLE))
    assert f"they have them at {places}." in str(refused.value)


def test_the_difference_is_that_of_the_logarithms_of_the_probabilities(model):
    logits, _ = model.eval()(SENTENCES, ANSWERS)  # row 5 predicts the first word, row 7 the third
    log_p = logits[:, 7].log_softmax(-1)
    model.train()
    assert torch.allclose(logit_difference(model, CHOICE), log_p[:, IL] - log_p[:, ELLE])


def test_captum_finds_the_same_gradients_times_inputs(model, of_vectors, vectors):
    theirs = InputXGradient(of_vectors).attribute(vectors.clone().requires_grad_()).sum(-1)
    assert theirs.abs().min() > 1e-6 and torch.allclose(gradient_times_input(model, CHOICE), theirs)


def test_captum_finds_the_same_occlusions(model, of_vectors, vectors):
    words = torch.arange(6).view(1, 6, 1).expand(1, 6, 12)
    theirs = FeatureAblation(of_vectors).attribute(vectors, baselines=0, feature_mask=words)[..., 0]
    assert theirs.abs().min() > 1e-6 and torch.allclose(occlusion(model, CHOICE), theirs)


def test_captum_finds_the_same_ablations(model, of_vectors, vectors):
    theirs = []
    for part, size in ((model.encoder, 4), (model.decoder, 6)):
        for block in part.layers["blocks"]:
            channels = (torch.arange(12) // size).view(1, 1, 12)
            by_channel = LayerFeatureAblation(of_vectors, block.attention.proj).attribute(
                vectors, layer_mask=channels, layer_baselines=0, attribute_to_layer_input=True)
            theirs.append(by_channel[:, 0, ::size])
    theirs = torch.cat(theirs, dim=1)
    assert theirs.shape == (3, 8) and theirs.abs().min() > 1e-6 and torch.allclose(ablation(model, CHOICE), theirs)


def test_a_head_patched_from_the_same_sentence_loses_nothing_and_from_another_something(model):
    assert patching(model, CHOICE, CHOICE).abs().max() < 1e-12
    other = word_choice(OTHERS, ANSWERS, (IL, ELLE))
    assert (patching(model, CHOICE, other).abs() > 1e-9).all()


def test_what_one_head_passes_on_is_all_that_a_model_of_one_head_loses():
    """With one layer and one head, what reaches the last row of the answer from the sentence goes through the decoder's head."""
    torch.manual_seed(0)
    one = TransformerConfig(13, 24, n_embd=8, n_head=1, n_layer=1, dropout=0.0)
    model = EncoderDecoder(one, one).double()
    other = word_choice(OTHERS, ANSWERS, (IL, ELLE))
    assert heads_of(model) == [(0, 0), (1, 0)]
    lost = logit_difference(model, CHOICE) - logit_difference(model, other)
    assert torch.allclose(patching(model, CHOICE, other)[:, 1], lost)


def test_a_hidden_word_has_no_vector_and_keeps_its_position(model):
    embedding = model.encoder.layers["embedding"]
    hidden = torch.tensor([False, True, False, False, False, False])
    with without_words(model, hidden):
        without = embedding(SENTENCES)
    assert torch.equal(without[:, 1], embedding.position.weight[1].expand(3, 12))
    assert torch.equal(without[:, 2:], embedding(SENTENCES)[:, 2:])


@pytest.mark.parametrize("measure", [occlusion, gradient_times_input, ablation, lambda model, choice: patching(model, choice, choice)])
def test_nothing_is_left_behind_not_even_by_an_error(measure, model):
    broken = CHOICE._replace(words=(IL, 99))
    with pytest.raises(IndexError):
        measure(model, broken)
    assert not measure(model, CHOICE).requires_grad
    assert model.training and all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
