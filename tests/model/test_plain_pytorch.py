"""The model behaves as a module of plain PyTorch does: differentiated twice, mapped, compiled, copied, moved."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, hessian, jacrev, jvp, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, Encoder, EncoderDecoder, Transformer, generate, prefix_generation

B, P, T, PAD = 4, 5, 6, -1
PREFIX = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, PAD, PAD], [5, 3, 5, 8, PAD], [7, PAD, PAD, PAD, PAD]])  # (B, P)
IDX = torch.tensor([[2, 7, 1, 8, 2, 8], [1, 8, 2, 8, PAD, PAD], [4, 5, 9, 0, 4, 5], [2, PAD, PAD, PAD, PAD, PAD]])  # (B, T)
KINDS = [Transformer, Encoder, Decoder, EncoderDecoder]

# PyTorch says once that its attention is slow under vmap.
pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop")


def made(kind: type, dropout: float = 0.0) -> nn.Module:
    """In evaluation, float64, with weights that matter."""
    config = TransformerConfig(13, 16, n_embd=12, n_head=3, n_layer=2, dropout=dropout)
    torch.manual_seed(0)
    model = kind(*[config] * (2 if kind is EncoderDecoder else 1)).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
    return model


def batch(kind: type) -> tuple[torch.Tensor, torch.Tensor]:
    return (PREFIX, IDX) if kind is EncoderDecoder else (IDX, IDX.roll(1, dims=0).where(IDX != PAD, PAD))


def loss_of(model: nn.Module):
    """The loss as a function of the parameters, by name, and of one batch."""
    return lambda parameters, *inputs: functional_call(model, parameters, inputs)[1]


def assert_same(found: dict, wanted: dict) -> None:
    assert found.keys() == wanted.keys()
    for name in wanted:
        assert torch.allclose(found[name], wanted[name], rtol=1e-9, atol=1e-12), name


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_are_those_of_finite_differences(kind):
    model, inputs = made(kind), batch(kind)
    parameters = list(model.parameters())
    towards = [torch.randn(p.shape, dtype=p.dtype, generator=torch.Generator().manual_seed(1)) for p in parameters]

    def gradient(step: float, **settings) -> list[torch.Tensor | None]:
        moved = [p + step * v for p, v in zip(parameters, towards)]
        loss = functional_call(model, dict(zip(dict(model.named_parameters()), moved)), inputs)[1]
        return torch.autograd.grad(loss, moved, allow_unused=True, **settings)

    with sdpa_kernel(SDPBackend.MATH):
        first = gradient(0.0, create_graph=True)
        slope = sum((g * v).sum() for g, v in zip(first, towards) if g is not None)
        second = torch.autograd.grad(slope, parameters, allow_unused=True)
        by_differences = [
            None if plus is None else (plus - minus) / 2e-5 for plus, minus in zip(gradient(1e-5), gradient(-1e-5))
        ]
    compared = 0
    for name, found, wanted in zip(dict(model.named_parameters()), second, by_differences, strict=True):
        if wanted is None:
            assert found is None and name == "encoder.lm_head.weight"
            continue
        assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-6), name
        compared += bool(wanted.abs().max() > 1e-6)
    assert compared > 30


def test_without_the_math_backend_pytorch_says_that_it_has_no_second_derivative():
    model = made(Decoder)
    first = torch.autograd.grad(model(*batch(Decoder))[1], list(model.parameters()), create_graph=True)
    with pytest.raises(RuntimeError, match="derivative for aten::_scaled_dot_product_flash_attention_for_cpu_backward"):
        sum(g.sum() for g in first).backward()


@pytest.mark.parametrize("kind", KINDS)
def test_torch_func_grad_is_the_gradient_of_backward(kind):
    model, inputs = made(kind), batch(kind)
    found = grad(loss_of(model))(dict(model.named_parameters()), *inputs)
    model(*inputs)[1].backward()
    assert_same(found, {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in model.named_parameters()})


@pytest.mark.parametrize("kind", KINDS)
def test_vmap_over_examples_gives_the_gradient_of_each_example(kind):
    model, inputs = made(kind), batch(kind)
    parameters, loss = dict(model.named_parameters()), loss_of(model)
    gradients = vmap(
        grad(lambda parameters, first, second: loss(parameters, first[None], second[None])), in_dims=(None, 0, 0)
    )(parameters, *inputs)
    for row in range(B):
        alone = grad(loss)(parameters, *(each[row : row + 1] for each in inputs))
        assert_same({name: g[row] for name, g in gradients.items()}, alone)


def test_vmap_over_models_gives_the_logits_of_each_model():
    models = [made(Decoder), made(Decoder), made(Decoder)]
    with torch.no_grad():
        for factor, model in enumerate(models, start=1):
            model.lm_head.weight.mul_(factor)
            model.layers["blocks"][0].attention.key.weight.div_(factor)
    parameters, _ = torch.func.stack_module_state(models)
    together = vmap(lambda parameters: functional_call(models[0], parameters, (IDX,))[0])(parameters)
    for logits, model in zip(together, models, strict=True):
        assert torch.allclose(logits, model(IDX)[0], rtol=0, atol=1e-12)


def test_vmap_over_dropout_needs_a_choice_of_randomness():
    model = made(Decoder, dropout=0.4).train()
    for block in model.layers["blocks"]:
        block.attention.dropout = 0.0  # PyTorch's attention draws the same in every example
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(lambda row: model(row[None])[0])(IDX[:1].expand(3, T))
    drawn = vmap(lambda row: model(row[None])[0], randomness="different")(IDX[:1].expand(3, T))
    assert not torch.equal(drawn[0], drawn[1])


def test_jacrev_of_a_block_is_its_jacobian():
    block, x = made(Decoder).layers["blocks"][0], torch.randn(1, 3, 12, dtype=torch.float64)
    mask = torch.ones(1, 1, 3, 3).tril()
    found = jacrev(lambda x: block(x, mask))(x)  # (1, 3, 12, 1, 3, 12)
    wanted = torch.autograd.functional.jacobian(lambda x: block(x, mask), x)
    assert torch.allclose(found, wanted, rtol=0, atol=1e-12)
    assert (found[0, 0, :, 0, 1:] == 0).all() and (found[0, 2, :, 0, 0] != 0).any()


def test_forward_derivatives_and_hessians_work_with_the_math_backend():
    block, x = made(Decoder).layers["blocks"][0], torch.randn(1, 2, 12, dtype=torch.float64)
    with sdpa_kernel(SDPBackend.MATH):
        _, forward = jvp(block, (x,), (torch.ones_like(x),))
        backward = torch.autograd.functional.jvp(block, x, torch.ones_like(x))[1]
        assert torch.allclose(forward, backward, rtol=0, atol=1e-12)
        curvature = hessian(lambda x: block(x).square().sum())(x).reshape(24, 24)
    assert torch.allclose(curvature, curvature.T, rtol=0, atol=1e-10) and curvature.abs().max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
# This backend needs no C++ compiler, which a learner's machine may lack.
def test_it_compiles_into_one_graph_with_the_same_loss_and_gradient(kind):
    torch.compiler.reset()
    model, inputs = made(kind).train(), batch(kind)
    loss = torch.compile(model, backend="aot_eager", fullgraph=True)(*inputs)[1]
    loss.backward()
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    plain = model(*inputs)[1]
    plain.backward()
    assert torch.allclose(loss, plain)
    assert_same(found, {name: p.grad for name, p in model.named_parameters() if p.grad is not None})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["deepcopy", "pickle"])
def test_a_copy_gives_the_same_and_shares_nothing_even_after_a_step_of_training(kind, duplicate):
    model, inputs = made(kind), batch(kind)
    model(*inputs)[1].backward()
    before, twin = model(*inputs)[0], duplicate(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.5)
    assert torch.equal(twin(*inputs)[0], before) and not torch.equal(model(*inputs)[0], before)


@pytest.mark.parametrize("kind", KINDS)
def test_on_the_meta_device_it_has_shapes_and_no_numbers(kind):
    model = made(kind).to("meta")
    logits, loss = model(*(each.to("meta") for each in batch(kind)))
    assert logits.is_meta and logits.shape == (B, P + T if kind is EncoderDecoder else T, 13) and loss.shape == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype, close", [(torch.float32, 1e-4), (torch.bfloat16, 0.5), (torch.float16, 0.1)])
def test_in_another_dtype_the_logits_have_it_and_are_the_same_up_to_rounding(kind, dtype, close):
    model, inputs = made(kind), batch(kind)
    exact = model(*inputs)[0]
    logits, loss = model.to(dtype)(*inputs)
    loss.backward()
    assert logits.dtype == loss.dtype == dtype
    assert (logits.double() - exact).abs().max() < close * exact.abs().max()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("kind", KINDS)
def test_under_autocast_it_trains_with_parameters_that_stay_in_float32(kind):
    model, inputs = made(kind, dropout=0.1).float().train(), batch(kind)
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(*inputs)[1]
    loss.backward()
    assert all(p.dtype == torch.float32 and (p.grad is None or p.grad.isfinite().all()) for p in model.parameters())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_it_generates_in_every_dtype(dtype):
    decoder, model = made(Decoder).to(dtype), made(EncoderDecoder).to(dtype)
    assert generate(decoder, IDX[:1, :3], 20, 0).shape == (1, 23)
    assert prefix_generation(model, PREFIX, 7, 0).shape == (B, 7)
