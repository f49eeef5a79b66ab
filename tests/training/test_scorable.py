"""Whether a learner's model can be scored is said before it is trained."""

import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder
from ninelives.training import Recipe
from ninelives.training.scorable import why_not_scored
from ninelives.training.state import Training

CONFIG = TransformerConfig(vocab_size=13, block_size=16, n_embd=8, n_head=2, n_layer=2)


def model() -> EncoderDecoder:
    torch.manual_seed(0)
    return EncoderDecoder(CONFIG, CONFIG)


def test_a_model_with_the_given_names_can_be_scored_and_stays_as_it_was():
    made = model().train()
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    assert why_not_scored(made, CONFIG, CONFIG) is None
    assert made.training and all(torch.equal(tensor, before[name]) for name, tensor in made.state_dict().items())


class Compiled(nn.Module):
    """As torch.compile wraps a model."""

    def __init__(self, model):
        super().__init__()
        self._orig_mod = model


def test_a_compiled_model_is_trained_and_scored_under_its_own_names():
    made = model()
    assert next(name for name, _ in Compiled(made).named_parameters()).startswith("_orig_mod.")
    assert why_not_scored(Compiled(made), CONFIG, CONFIG) is None
    training = Training(Compiled(made), Recipe())
    assert training.model is made and training.parameters.keys() == dict(made.named_parameters()).keys()


def test_other_names_are_refused_with_the_notebook_in_which_they_are_given():
    made = model()
    for part in (made.encoder, made.decoder):
        embedding = part.layers["embedding"]
        embedding.words = embedding.token
        del embedding.token
    assert why_not_scored(made, CONFIG, CONFIG) == (
        "The model has encoder.layers.embedding.words.weight, decoder.layers.embedding.words.weight where the package's has "
        "encoder.layers.embedding.token.weight, decoder.layers.embedding.token.weight. Keep the layers of the given __init__, "
        "with their names, in notebook 1 (`token`, `position`); then run this notebook again.")


def test_one_layer_in_place_of_three_is_refused():
    made = model()
    for part in (made.encoder, made.decoder):
        for block in part.layers["blocks"]:
            for name in ("query", "key", "value"):
                delattr(block.attention, name)
            block.attention.qkv = nn.Linear(8, 24)
    assert "qkv.bias and 6 more where the package's has" in why_not_scored(made, CONFIG, CONFIG)
    assert "in notebook 2 (`query`, `key`, `value`, `proj`)" in why_not_scored(made, CONFIG, CONFIG)


def test_a_layer_too_many_is_refused():
    made = model()
    made.bridge = nn.Linear(8, 8)
    assert why_not_scored(made, CONFIG, CONFIG).startswith(
        "The model also has bridge.weight, bridge.bias, which the package's has not. Keep the layers")



def test_a_model_that_does_not_know_its_sizes_is_refused():
    made = model()
    del made.decoder.config
    assert why_not_scored(made, CONFIG, CONFIG).startswith("The decoder does not know its sizes: write `self.config = config`")


def test_the_same_names_for_other_layers_are_refused():
    class QueriesAndKeysSwapped(type(model().encoder.layers["blocks"][0].attention)):
        def forward(self, x, attention_mask=None, *cache):
            query, self.query, self.key = self.query, self.key, self.query
            try:
                return super().forward(x, attention_mask, *cache)
            finally:
                self.query, self.key = query, self.query

    made = model()
    for block in made.encoder.layers["blocks"]:
        block.attention.__class__ = QueriesAndKeysSwapped
    assert "is another one (by" in why_not_scored(made, CONFIG, CONFIG)
