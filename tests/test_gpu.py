"""What says that it works on the device a model is on: compared with the processor. Without a GPU there is nothing to compare."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from helpers import small
from ninelives import weights
from ninelives.config import TransformerConfig
from ninelives.figures import heatmap
from ninelives.model import Decoder, Encoder, EncoderDecoder, MultiHeadSelfAttention, generate, prefix_generation
from ninelives.text import sentences
from ninelives.training import exact_match, train
from ninelives.widgets import AttentionExplorer, LayerStepper, PositionLab, TemperatureLab, TranslationLab

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU here")

CONFIG = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=3, n_layer=2, dropout=0.3)
PADDED = torch.tensor([[3, 1, 4, 1], [5, 9, -1, -1]])  # (B, P)
IDX = torch.tensor([[2, 6, 5], [3, 5, -1]])  # (B, T)
TARGETS = torch.tensor([[6, 5, 8], [5, -1, -1]])  # (B, T)


def twins(kind, *configs) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The same model twice, in float64: on the processor, and on the GPU."""
    torch.manual_seed(0)
    here = kind(*configs).double().eval()
    there = kind(*configs).double().eval()
    there.load_state_dict(here.state_dict())
    return here, there.to("cuda")


@pytest.mark.parametrize("kind, batch", [
    (Encoder, (PADDED, PADDED)), (Decoder, (IDX, TARGETS)), (EncoderDecoder, (PADDED, TARGETS)),
])
def test_a_model_gives_the_same_and_the_same_gradient(kind, batch):
    here, there = twins(kind, *[CONFIG] * (2 if kind is EncoderDecoder else 1))
    logits, loss = here(*batch)
    on_gpu = there(*[tensor.to("cuda") for tensor in batch])
    assert all(tensor.device.type == "cuda" for tensor in on_gpu)
    torch.testing.assert_close(on_gpu[0].cpu(), logits)
    loss.backward()
    on_gpu[1].backward()
    wanted = {name: parameter.grad for name, parameter in here.named_parameters() if parameter.grad is not None}
    found = {name: parameter.grad.cpu() for name, parameter in there.named_parameters() if parameter.grad is not None}
    torch.testing.assert_close(found, wanted)


def test_second_derivatives_and_gradients_of_each_example_are_the_same_there():
    found = []
    for model in twins(Decoder, CONFIG):
        device = next(model.parameters()).device
        idx, targets = IDX.to(device), TARGETS.to(device)
        with sdpa_kernel(SDPBackend.MATH):
            first = torch.autograd.grad(model(idx, targets)[1], list(model.parameters()), create_graph=True)
            second = torch.autograd.grad(sum(gradient.square().sum() for gradient in first), list(model.parameters()))
        of_each = torch.func.vmap(
            torch.func.grad(lambda parameters, row, answer, model=model: torch.func.functional_call(model, parameters, (row[None], answer[None]))[1]),
            in_dims=(None, 0, 0),
        )(dict(model.named_parameters()), idx, targets)
        found.append([tensor.cpu() for tensor in (*second, *of_each.values())])
    torch.testing.assert_close(found[1], found[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_model_trains_and_writes_there_in_every_dtype(dtype):
    here, there = twins(EncoderDecoder, CONFIG, CONFIG)
    there = there.to(dtype)
    logits, loss = there(PADDED.to("cuda"), TARGETS.to("cuda"))
    loss.backward()
    assert logits.dtype == dtype and all(p.grad.isfinite().all() for p in there.parameters() if p.grad is not None)
    torch.testing.assert_close(logits.cpu().double(), here(PADDED, TARGETS)[0], rtol=0.1, atol=0.1)
    assert prefix_generation(there, PADDED.to("cuda"), 20, 0).shape == (2, 20)


def test_it_compiles_into_one_graph_there():
    _, model = twins(Decoder, CONFIG)
    idx, targets = IDX.to("cuda"), TARGETS.to("cuda")
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(idx, targets), model(idx, targets))


@pytest.mark.parametrize("mask, says", [
    (torch.zeros(3, 3).masked_fill(torch.ones(3, 3).triu(1) == 1, float("-inf")), "attention_mask holds -inf"),
    (torch.zeros(2, 1, 3, 3, dtype=torch.bool), "row 0 of attention_mask .* allows no key at all"),
])
def test_a_bad_mask_there_raises_the_same_sentence(mask, says):
    attention = MultiHeadSelfAttention(CONFIG).to("cuda")
    with pytest.raises(ValueError, match=says):
        attention(torch.zeros(2, 3, 12, device="cuda"), mask.to("cuda"))


def test_dropout_is_drawn_there():
    _, model = twins(Decoder, CONFIG)
    idx = IDX[:1].to("cuda")
    torch.manual_seed(3)
    first, second = model.train()(idx)[0], model(idx)[0]
    torch.manual_seed(3)
    assert not torch.equal(first, second) and torch.equal(first, model(idx)[0])


def test_generating_gives_the_same_words():
    here, there = twins(Decoder, CONFIG)
    prompt = IDX[:1]
    assert torch.equal(generate(there, prompt.to("cuda"), 30, 0).cpu(), generate(here, prompt, 30, 0))
    drawn = [generate(there, prompt.to("cuda"), 12, top_k=5, top_p=0.9, generator=torch.Generator("cuda").manual_seed(0)) for _ in range(2)]
    assert torch.equal(*drawn) and drawn[0].device.type == "cuda"
    here, there = twins(EncoderDecoder, CONFIG, CONFIG)
    answer = prefix_generation(there, PADDED.to("cuda"), 20, 0, end_token=1)
    assert torch.equal(answer.cpu(), prefix_generation(here, PADDED, 20, 0, end_token=1))


def test_a_shipped_model_translates_there_as_it_does_here():
    model, tokenizer = weights.load("translator")
    held_out = sentences("held out", 200)
    right = exact_match(model, tokenizer, held_out)
    assert exact_match(model.to("cuda"), tokenizer, held_out) == pytest.approx(right, abs=0.01)


class Stops:
    """Ends a sitting before a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, entry: dict) -> None:
        pass

    def stopped(self, step: int, seconds: float) -> bool:
        return step == self.step


def evaluate(model: Decoder) -> dict:
    return {**small.evaluate(model), "chance": torch.rand((), device="cuda").item()}


def sitting(model, folder=None, monitor=lambda entry: None, **changes):
    return train(model, small.draw_batch, small.RECIPE, folder=folder, monitor=monitor, **{"evaluate": evaluate} | changes)


def test_a_training_that_was_stopped_is_to_the_bit_the_one_that_was_not(tmp_path):
    whole = small.model().to("cuda")
    run = sitting(whole)
    assert run.finished and run.history[0]["loss"] > 1.1 * run.history[-1]["loss"]
    stopped = small.model().to("cuda")
    assert not sitting(stopped, tmp_path, Stops(13)).finished
    again = small.model().to("cuda")
    assert small.curve(sitting(again, tmp_path)) == small.curve(run) and small.same(again, whole)


@pytest.mark.parametrize("first, then", [("cuda", "cpu"), ("cpu", "cuda")])
def test_a_training_goes_on_on_another_device(tmp_path, first, then):
    assert not sitting(small.model().to(first), tmp_path, Stops(13), evaluate=None).finished
    model = small.model().to(then)
    run = sitting(model, tmp_path, evaluate=None)
    assert run.finished and next(model.parameters()).device.type == then
    assert [entry["step"] for entry in run.history] == [10, 20, 30]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_training_leaves_the_gpus_chance_as_it_was(device):
    model = small.model().to(device)
    before = torch.cuda.get_rng_state()
    sitting(model, evaluate=None)
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_a_picture_takes_weights_from_there():
    pattern = torch.softmax(torch.randn(4, 4, device="cuda", requires_grad=True), -1)
    picture = heatmap(pattern, ["the", "cat", "was", "full"], title="Weights", caption="Of four words.")
    assert "the" in picture.alt and picture.png()


SHOWN = {
    "PositionLab": lambda model, tokenizer: PositionLab(model.encoder.layers["embedding"], ["the", "cat", "was"], tokenizer.encode("the cat was")),
    "LayerStepper": lambda model, tokenizer: LayerStepper(model.encoder, tokenizer.encode("the cat was"), ["the", "cat", "was"], tokenizer.words),
    "AttentionExplorer": lambda model, tokenizer: AttentionExplorer(
        model.encoder.attentions(tokenizer.encode("the cat was").unsqueeze(0).to(next(model.parameters()).device)), ["the", "cat", "was"]),
    "TemperatureLab": lambda model, tokenizer: TemperatureLab(model.decoder, tokenizer.encode("le chat"), tokenizer.words),
    "TranslationLab": lambda model, tokenizer: TranslationLab(model, tokenizer, "the cat was full"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_widget_shows_of_a_model_there_what_it_shows_of_one_here(name):
    model, tokenizer = weights.load("translator")
    here = SHOWN[name](model, tokenizer).describe()
    assert SHOWN[name](model.to("cuda"), tokenizer).describe() == here and "not translated" not in here
