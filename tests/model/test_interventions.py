import re
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import answers.right.attention
from answers import answers_in
from ninelives.checks.attention import multi_head_self_attention
from ninelives.config import TransformerConfig
from ninelives.model import (
    Decoder,
    Encoder,
    EncoderDecoder,
    Transformer,
    prefix_generation,
    with_heads_from,
    without_heads,
)

CONFIG = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=3, n_layer=2, dropout=0.2)
ANSWERING = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=2, n_layer=1, dropout=0.2)
LEARNERS = [answer for answer in answers_in(answers.right.attention).values() if answer.verdict.exercise is multi_head_self_attention]


def with_weights_that_matter(model: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.double().parameters():
            parameter.normal_(std=0.6)
    return model.eval()


@pytest.fixture
def model() -> EncoderDecoder:
    return with_weights_that_matter(EncoderDecoder(CONFIG, ANSWERING))


@pytest.fixture
def drawn() -> SimpleNamespace:
    """Two sentences, two others, and an answer to each."""
    prefix, other, targets, other_targets = torch.randint(1, 13, (4, 2, 5), generator=torch.Generator().manual_seed(0))
    return SimpleNamespace(prefix=prefix, other=other, targets=targets, other_targets=other_targets)


class Around(nn.Module):
    """A model of one attention, with what notebook 3 gives a Transformer."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.config = CONFIG
        self.layers = nn.ModuleDict({"blocks": nn.ModuleList([nn.ModuleDict({"attention": attention})])})
        self.layers["blocks"][0].attention = attention

    def forward(self, x: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.layers["blocks"][0].attention(x, attention_mask)


def zeroed(model: nn.Module, projection: nn.Linear, head: int, size: int) -> None:
    """Another road to a head that says nothing: the projection does not read it."""
    with torch.no_grad():
        projection.weight[:, head * size : (head + 1) * size] = 0


@pytest.mark.parametrize("learners", LEARNERS, ids=lambda answer: answer.__name__)
def test_without_a_head_a_learners_attention_is_the_projection_of_the_others(learners):
    attention, x, other = with_weights_that_matter(learners(CONFIG)).float(), *torch.randn(2, 2, 5, 12)
    mask = torch.ones(2, 1, 5, 5).tril()
    transformer = Around(attention)
    before = attention(x, mask)
    with with_heads_from(transformer, [(0, 0), (0, 1), (0, 2)], other, mask):
        assert torch.allclose(attention(x, mask), attention(other, mask))
    with with_heads_from(transformer, [(0, 1)], other, mask):
        assert not torch.allclose(attention(x, mask), before) and not torch.allclose(attention(x, mask), attention(other, mask))
    with without_heads(transformer, [(0, 1)]):
        without = attention(x, mask)
    assert torch.equal(attention(x, mask), before) and not torch.allclose(without, before)
    projection = [module for module in attention.modules() if isinstance(module, nn.Linear)][-1]
    zeroed(attention, projection, head=1, size=4)
    assert torch.allclose(without, attention(x, mask), atol=1e-5)


def test_what_the_heads_add_is_the_output(model):
    """So a slice is a head: taking each out in turn takes away all but the bias."""
    attention, x = model.encoder.layers["blocks"][0].attention, torch.randn(2, 5, 12, dtype=torch.float64)
    whole, lost = attention(x), 0
    for head in range(3):
        with without_heads(attention, [(0, head)]):
            lost = lost + whole - attention(x)
    assert torch.allclose(lost + attention.proj.bias, whole)
    weights = attention.attention_weights(x)[:, 1]  # (B, T, T)
    of_head = weights @ attention.value(x)[..., 4:8] @ attention.proj.weight[:, 4:8].T
    with without_heads(attention, [(0, 1)]):
        assert torch.allclose(whole - attention(x), of_head)


def test_the_layers_of_an_encoder_decoder_are_counted_from_the_encoders_first(model, drawn):
    with without_heads(model, [(1, 2), (2, 0)]):
        without, _ = model(drawn.prefix, drawn.targets)
    zeroed(model, model.encoder.layers["blocks"][1].attention.proj, head=2, size=4)
    zeroed(model, model.decoder.layers["blocks"][0].attention.proj, head=0, size=6)
    assert torch.allclose(without, model(drawn.prefix, drawn.targets)[0], atol=1e-12)


def test_with_all_heads_from_another_run_nothing_of_this_sentence_comes_through_attention(model, drawn):
    everything = [(layer, head) for layer in range(2) for head in range(3)] + [(2, 0), (2, 1)]
    with with_heads_from(model, everything, drawn.other, drawn.other_targets):
        patched, _ = model(drawn.other, drawn.other_targets)
    wanted, _ = model(drawn.other, drawn.other_targets)
    assert torch.allclose(patched, wanted)
    with with_heads_from(model, everything, drawn.other, drawn.other_targets):
        changed = drawn.prefix.clone()
        changed[:, 0] = changed[:, 0] % 12 + 1
        # Row 4 of the prefix predicts the first word of the answer. It hears of the first word of the sentence through heads alone.
        assert torch.equal(model(drawn.prefix, drawn.targets)[0][:, 4], model(changed, drawn.targets)[0][:, 4])


def test_a_head_from_another_run_says_there_what_it_said_here(model, drawn):
    attention = model.encoder.layers["blocks"][1].attention
    said, hook = [], attention.proj.register_forward_pre_hook(lambda _, arguments: said.append(arguments[0]))
    model.train()
    with with_heads_from(model, [(1, 2)], drawn.other, drawn.targets):
        assert model.training
        model.eval()(drawn.prefix, drawn.targets)
    hook.remove()
    other, here = said[0], said[1]  # before it is patched
    read = []
    with with_heads_from(model, [(1, 2)], drawn.other, drawn.targets):
        hook = attention.proj.register_forward_pre_hook(lambda _, arguments: read.append(arguments[0]))
        model(drawn.prefix, drawn.targets)
        hook.remove()
    assert torch.equal(read[0][..., 8:], other[..., 8:]) and torch.equal(read[0][..., :8], here[..., :8])


def test_a_decoder_writes_with_heads_from_a_longer_run(model, drawn):
    """And generation does not keep keys and values while heads are changed, which would leave earlier rows as they were."""
    model.decoder.layers["norm"].bias.data.zero_()  # or one word would always win
    model.decoder.layers["blocks"][0].attention.proj.weight.data *= 9
    plain = prefix_generation(model, drawn.prefix, 5, 0)
    assert not torch.equal(plain, prefix_generation(model, drawn.other, 5, 0))
    with with_heads_from(model, [(2, 0), (2, 1)], drawn.prefix, plain):
        assert torch.equal(prefix_generation(model, drawn.prefix, 5, 0), plain)
    with without_heads(model, [(2, 1)]):
        without = prefix_generation(model, drawn.prefix, 5, 0)
        assert not torch.equal(without, plain)
        rows = model(drawn.prefix, without)[0][:, 4:-1]  # (B, 5, V)
    assert torch.equal(rows.argmax(-1), without)


def test_gradients_flow_through_the_other_heads_alone(model):
    attention = model.encoder.layers["blocks"][0].attention
    with without_heads(model, [(0, 1)]):
        attention(torch.randn(1, 4, 12, dtype=torch.float64)).sum().backward()
    size = attention.value.weight.grad.view(3, -1).norm(dim=1)  # (H,)
    assert size[1] == 0 and (size[[0, 2]] > 0).all()


@pytest.mark.parametrize("kind", [Transformer, Encoder, Decoder])
def test_a_transformer_alone_has_its_own_layers(kind, drawn):
    model = with_weights_that_matter(kind(CONFIG))
    with with_heads_from(model, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)], drawn.other):
        assert torch.allclose(model(drawn.other)[0], model.eval()(drawn.other)[0])
    with pytest.raises(ValueError, match="layers from 0 to 1 and heads from 0 to 2"), without_heads(model, [(2, 0)]):
        pass


@pytest.mark.parametrize("heads", [[(3, 0)], [(0, 0), (2, 2)], [(-1, 0)], [(0, 3)], [(0, -1)], (0, 1), [(0, 1, 2)], ["ab"], [(0.0, 1)]])
@pytest.mark.parametrize("context", [without_heads, with_heads_from])
def test_a_head_that_does_not_exist_is_refused_before_anything_changes(context, heads, model, drawn):
    says = re.escape("write pairs (layer, head) with layers from 0 to 2 and heads from 0 to 1 or 2.")
    inputs = () if context is without_heads else (drawn.prefix, drawn.targets)
    with pytest.raises(ValueError, match=f"there is no head .*: {says}"), context(model, heads, *inputs):
        pass
    assert hooks_of(model) == 0


@pytest.mark.parametrize("shape", [(2, 4), (2, 6), (3, 5)])
def test_a_run_on_another_number_of_tokens_is_refused_where_it_is_used(model, drawn, shape):
    other = torch.ones(shape, dtype=torch.int64)
    says = re.escape(f"the model reads 2 × 5 tokens and the other run read {shape[0]} × {shape[1]}")
    with with_heads_from(model, [(0, 0)], other, other), pytest.raises(ValueError, match=says):
        model(drawn.prefix, drawn.targets)
    assert hooks_of(model) == 0


class AroundItsProjection(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head, self.proj = config.n_head, nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x, attention_mask=None):
        return nn.functional.linear(x, self.proj.weight, self.proj.bias)


class ProjectionFirst(nn.Module):
    """Its projection has another name and is not made last, so the layer of the values is taken for it."""

    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.output, self.values = nn.Linear(config.n_embd, config.n_embd), nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x, attention_mask=None):
        return self.output(self.values(x))


@pytest.mark.parametrize("kind", [AroundItsProjection, ProjectionFirst])
def test_an_attention_that_does_not_end_with_the_layer_taken_for_its_projection_is_refused(kind):
    attention = kind(CONFIG)
    with without_heads(attention, [(0, 0)]), pytest.raises(ValueError, match="attention of layer 0 does not end with its projection"):
        attention(torch.randn(1, 2, 12))
    assert hooks_of(attention) == 0


def test_an_attention_of_unknown_heads_is_refused_with_what_to_write():
    attention = ProjectionFirst(CONFIG)
    del attention.n_head
    with pytest.raises(ValueError, match="^ProjectionFirst has no linear layer, or .* write self.n_head = config.n_head"), without_heads(attention, []):
        pass


def test_nothing_is_left_behind_not_even_by_an_error(model, drawn):
    model.encoder.train()
    modes = [module.training for module in model.modules()]
    for opened in (lambda: without_heads(model, [(0, 0), (2, 1)]), lambda: with_heads_from(model, [(1, 1)], drawn.other, drawn.targets)):
        with pytest.raises(ZeroDivisionError), opened():
            assert hooks_of(model) > 0
            raise ZeroDivisionError
        assert hooks_of(model) == 0
    with pytest.raises(ValueError), with_heads_from(model, [(1, 1)], torch.full((2, 5), 99), drawn.targets):
        pass
    assert hooks_of(model) == 0 and [module.training for module in model.modules()] == modes


def hooks_of(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())
