import base64
import json
import re

import pytest
import torch
from torch import nn
from traitlets import TraitError

from answers.right.transformer import LayersByTheirForward, MlpTakenApart
from ninelives.config import TransformerConfig
from ninelives.model import Decoder, Transformer, TransformerBlock
from ninelives.widgets import LayerStepper
from ninelives.widgets.layer_stepper.in_words import heading, likely_words, reading
from ninelives.widgets.layer_stepper.picture import strips_shown

WORDS = "the cat did not eat because the cat was".split()
VOCABULARY = sorted({*WORDS, "full", "old", "sick"})
IDX = torch.tensor([[VOCABULARY.index(word) for word in WORDS]])
CONFIG = TransformerConfig(len(VOCABULARY), 16, n_embd=12, n_head=3, n_layer=3, dropout=0.5)


def made(kind: type = Decoder, config: TransformerConfig = CONFIG) -> nn.Module:
    torch.manual_seed(0)
    return kind(config)


def stepper(**settings) -> LayerStepper:
    return LayerStepper(made(), IDX, WORDS, VOCABULARY, **settings)


@torch.no_grad()
def stream_by_hand(model: Decoder) -> list[torch.Tensor]:
    """L + 1 tensors (T, C)."""
    model.eval()
    x, mask = model.layers["embedding"](IDX), model.get_attention_mask(torch.tensor([len(WORDS)]))
    stream = [x[0]]
    for block in model.layers["blocks"]:
        x = block(x, mask)
        stream.append(x[0])
    return stream


def test_the_norms_are_those_of_the_vectors_after_each_block():
    wanted = torch.stack(stream_by_hand(made())).norm(dim=-1)
    assert torch.allclose(torch.tensor(stepper().lengths["stream"]), wanted, atol=1e-5)


def test_the_browser_says_and_shows_what_python_does(same_in_javascript):
    config = TransformerConfig(len(VOCABULARY), 4, n_embd=4, n_head=2, n_layer=2, dropout=0.0)
    words, cases = ["the", "cat"], []
    for station in range(6):
        shown = LayerStepper(made(config=config), IDX[:, :2], words, VOCABULARY, token=station % 2, station=station)
        cases.append((shown, {
            "reading": reading(shown), "heading": heading(shown), "likely": [word for word, _ in likely_words(shown)],
            "strips": [[name, *(f"{x / largest:.3f}" for x in values)] for name, values, largest in strips_shown(shown)],
        }))
    same_in_javascript("layer_stepper", cases)


def test_what_attention_and_mlp_add_leads_from_one_station_to_the_next():
    strips = stepper().strips
    after = strips["stream"][:-1] + strips["attention"] + strips["mlp"]
    assert abs(after - strips["stream"][1:]).max() < 1e-3
    assert "the vector before + what attention adds + what the mlp adds = the vector after" in stepper().note


def test_the_words_of_a_station_are_those_of_the_final_norm_and_lm_head():
    model = made()
    for station, stream in enumerate(stream_by_hand(model)):
        with torch.no_grad():
            best = model.lm_head(model.layers["norm"](stream)).softmax(-1).topk(5)
        for token in (0, 8):
            shown = likely_words(stepper(station=station, token=token))
            assert [word for word, _ in shown] == [VOCABULARY[i] for i in best.indices[token]]
            assert [value for _, value in shown] == pytest.approx(best.values[token].tolist(), rel=1e-4)


def test_the_last_station_says_what_the_model_says():
    model = made().eval()
    with torch.no_grad():
        wanted = model(IDX)[0][0, -1]
    last = stepper(station=6, token=8)
    assert likely_words(last)[0] == (VOCABULARY[wanted.argmax()], pytest.approx(wanted.softmax(-1).max().item(), rel=1e-4))
    scores = stepper(station=5, token=8)
    assert likely_words(scores)[0][1] == pytest.approx(wanted.max().item(), rel=1e-4)
    assert "from −" in scores.describe()


def test_describe_says_station_shape_norms_and_words():
    said = stepper(station=2, token=8).describe()
    assert said.startswith("Station 3 of 7, block 2, shape (B, T, n_embd) = (1, 9, 12). After block 2 the vector of “was” has norm ")
    assert re.search(r"Attention added a vector of norm \d\.\d\d, the mlp one of \d\.\d\d\.", said)
    assert "If the model stopped here, the likely next words would be: " in said


def test_repeated_words_are_numbered_and_can_be_named():
    assert stepper().words[6:8] == ["the₂", "cat₂"]
    assert stepper(token="cat₂").token == 7


def test_the_model_keeps_its_mode_and_no_hook_remains():
    model = made().train()
    model.layers["norm"].eval()
    LayerStepper(model, IDX, WORDS, VOCABULARY)
    assert model.training and not model.layers["norm"].training
    assert not any(module._forward_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_dropout_plays_no_part():
    assert stepper().lengths == stepper().lengths


class OwnBlock(nn.Module):
    """A learner's, with parts of other names."""

    def __init__(self, config):
        super().__init__()
        self.inner = TransformerBlock(config)

    def forward(self, x, attention_mask=None):
        return self.inner(x, attention_mask)


def test_a_block_with_parts_of_other_names_is_shown_without_them():
    model = made()
    model.layers["blocks"] = nn.ModuleList(OwnBlock(CONFIG) for _ in range(3))
    shown = LayerStepper(model, IDX, WORDS, VOCABULARY, station=1)
    assert "no parts called attention and mlp" in shown.note
    assert "; before it was " in shown.describe()
    shown.picture().png()


def test_a_block_that_does_not_only_add_is_named():
    class PostNorm(TransformerBlock):
        def forward(self, x, attention_mask=None):
            x = self.norm_1(x + self.attention(x, attention_mask))
            return self.norm_2(x + self.mlp(x))

    model = made()
    model.layers["blocks"][1] = PostNorm(CONFIG)
    assert "In block 2 the sums do not come out" in LayerStepper(model, IDX, WORDS, VOCABULARY).note


@pytest.mark.parametrize("sentence", [["cat"], (WORDS * 8)[:64]])
def test_one_word_and_sixty_four_words_are_shown(sentence):
    config = TransformerConfig(len(VOCABULARY), 64, n_embd=12, n_head=3, n_layer=1)
    ids = torch.tensor([VOCABULARY.index(word) for word in sentence])
    shown = LayerStepper(made(config=config), ids, sentence, VOCABULARY)
    for shown.station in range(5):
        shown.picture().png()
        shown.describe()


def test_of_a_large_vocabulary_the_first_words_are_drawn_and_all_are_counted():
    config = TransformerConfig(600, 16, n_embd=12, n_head=3, n_layer=1)
    shown = LayerStepper(made(config=config), IDX, WORDS, [f"w{i}" for i in range(600)], station=3)
    assert shown.sizes["scores"] == 512 and "each of 600 words" in shown.describe()


def test_the_state_is_json_and_small():
    state = {name: value for name, value in stepper().get_state().items() if not name.startswith("_")}
    assert len(json.dumps(state)) < 30_000


def test_what_is_sent_is_what_was_computed():
    shown = stepper()
    sent = torch.frombuffer(bytearray(base64.b64decode(shown.numbers)), dtype=torch.int16)
    stream = sent[: 4 * 9 * 12].reshape(4, 9, 12) / 32767 * shown.largest["vectors"]
    assert torch.allclose(stream, torch.stack(stream_by_hand(made())), atol=1e-3)
    assert len(sent) == (4 + 3 + 3 + 1) * 9 * 12 + 2 * 9 * len(VOCABULARY)


def test_a_picture_taken_before_a_step_shows_what_was_there():
    shown = stepper()
    before, wanted = shown.picture(), shown.picture().png()
    shown.station, shown.token = 3, 2
    assert before.png() == wanted != shown.picture().png()


def test_one_outlier_does_not_make_all_other_vectors_look_white():
    model = made()
    with torch.no_grad():
        model.layers["embedding"].token.weight[IDX[0, 3], 5] = 1000.0
    shown = LayerStepper(model, IDX, WORDS, VOCABULARY)
    assert shown.largest["vectors"] > 50 * shown.largest["shown"]
    [[_, values, end]] = strips_shown(shown)
    assert (abs(values) > end / 10).mean() > 0.5


def test_the_repr_says_what_is_shown():
    assert repr(stepper()) == "LayerStepper(3 blocks, 9 words; embedding, 'the₁' chosen)"


class BlocksTwice(Decoder):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        x = self.layers["embedding"](idx)
        for _ in range(2):
            for block in self.layers["blocks"]:
                x = block(x)
        return self.lm_head(self.layers["norm"](x)), None


class WordsAlone(Decoder):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx)[0].argmax(-1), None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"words": "the cat"}, "words is the single string"),
        ({"words": WORDS[:3]}, "words has 3 labels for 9 ids in idx"),
        ({"vocabulary": VOCABULARY[:4]}, "vocabulary has 4 labels for 10 scores of the model"),
        ({"idx": IDX.expand(2, -1)}, r"idx has shape \(2, 9\)"),
        ({"idx": IDX.float()}, "dtype torch.float32; pass the ids of one sentence"),
        ({"idx": IDX[:, :0], "words": []}, "The sentence has 0 words; this widget shows 1 to 64"),
        ({"idx": IDX.repeat(1, 8), "words": WORDS * 8}, "The sentence has 72 words"),
        ({"model": nn.Linear(2, 2)}, "Linear has no `layers` with embedding, blocks and norm, or no `lm_head`"),
        ({"model": made(BlocksTwice)}, "in one forward block 1 was called 2 times"),
        ({"model": made(WordsAlone)}, r"the model gives scores of shape \(1, 9\) for 9 tokens"),
        ({"token": "dog"}, "'dog' is not among the tokens"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_one_sentence(change, says):
    with pytest.raises(ValueError, match=says):
        LayerStepper(**{"model": made(Transformer), "idx": IDX, "words": WORDS, "vocabulary": VOCABULARY} | change)


class OnMlpsTakenApart(Transformer):
    def __init__(self, config):
        super().__init__(config)
        self.layers["blocks"] = nn.ModuleList(MlpTakenApart(config) for _ in range(config.n_layer))


@pytest.mark.parametrize(("kind", "says"), [
    (LayersByTheirForward, "in one forward the embedding was never called as a layer"),
    (OnMlpsTakenApart, "in one forward attention of block 1 was never called as a layer"),
    (BlocksTwice, "in one forward block 1 was called 2 times"),
])
def test_where_layers_are_not_called_as_layers_the_packages_model_is_shown_and_one_sentence_says_why(kind, says):
    shown = LayerStepper(made(kind), IDX, WORDS, VOCABULARY, instead=made(Decoder))
    assert shown.note.startswith(
        f"The package's Transformer is shown: {says}; the stepper shows models that call each layer once, as a layer, `self.mlp(x)`. "
    )
    assert shown.lengths == stepper().lengths and shown.note in shown.describe()


def test_the_learners_model_is_shown_where_it_can_be():
    shown = LayerStepper(made(Transformer), IDX, WORDS, VOCABULARY, instead=made(Decoder))
    assert shown.note == stepper().note and shown.lengths != stepper().lengths


def test_nan_is_refused_with_its_word_and_station():
    model = made()
    with torch.no_grad():
        model.layers["blocks"][1].mlp[2].bias[0] = float("nan")
    with pytest.raises(ValueError, match="The vector of 'the' holds NaN or infinity after block 2"):
        LayerStepper(model, IDX, WORDS, VOCABULARY)


@pytest.mark.parametrize(
    ("name", "value", "says"), [("station", 7, "station is 7, but there are 7, counted from 0 to 6"), ("token", -1, "token is -1")]
)
def test_a_choice_that_is_not_there_is_refused_with_one_sentence(name, value, says):
    with pytest.raises(TraitError, match=says):
        setattr(stepper(), name, value)
