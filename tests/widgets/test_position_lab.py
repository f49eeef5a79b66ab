import base64
import json

import numpy as np
import pytest
import torch
from torch import nn
from traitlets import TraitError

from ninelives.config import TransformerConfig
from ninelives.figures.style import SIGNED_MAP
from ninelives.model import Embedding
from ninelives.widgets import PositionLab
from ninelives.widgets.position_lab.in_words import bag, reading
from ninelives.widgets.position_lab.vectors import new_positions, strips_shown

SENTENCE = "the dog bites the man".split()
IDX = torch.tensor([[3, 1, 0, 3, 2]])  # (1, 5)
MOVED = [0, 2, 3, 1, 4]  # the bites the dog man


def embedding(**sizes) -> Embedding:
    torch.manual_seed(0)
    sizes = {"vocab_size": 4, "block_size": 8, "n_embd": 6, "n_head": 2} | sizes
    return Embedding(TransformerConfig(**sizes))


class Made(nn.Module):
    """A module that makes its vectors with a function of idx."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, idx):
        return self.make(idx)


def lab(module: nn.Module | None = None, **traits) -> PositionLab:
    made = PositionLab(module or embedding(), SENTENCE, IDX)
    for name, value in traits.items():
        setattr(made, name, value)
    return made


def sent(made: PositionLab) -> np.ndarray:
    T = len(made.words)
    return np.frombuffer(base64.b64decode(made.vectors), "<f4").reshape(T, T, made.channels)


def test_every_word_is_sent_as_the_module_gives_it_at_every_position():
    module = embedding()
    token, position = module.token.weight.detach(), module.position.weight.detach()
    wanted = token[IDX[0]][:, None] + position[:5]  # (T, T, n_embd)
    assert np.array_equal(sent(lab(module)), wanted.numpy())


def test_the_parts_are_the_rows_of_the_two_tables_that_the_module_adds():
    module, made = embedding(), lab()
    assert np.array_equal(made.word_parts, module.token.weight.detach()[IDX[0]].double().numpy())
    assert np.allclose(made.position_parts[2], module.position.weight.detach()[:5].numpy(), atol=1e-6)
    assert "These are the rows of the tables of the package's Embedding" in made.note


def test_the_tables_of_a_learner_may_have_any_name_and_order():
    class Embedding(nn.Module):
        def __init__(self):
            super().__init__()
            self.where, self.what = nn.Parameter(torch.randn(8, 6)), nn.Parameter(torch.randn(4, 6))

        def forward(self, idx):
            return self.what[idx] + self.where[: idx.shape[1]]

    module = Embedding()
    made = lab(module)
    assert np.array_equal(made.word_parts, module.what.detach()[IDX[0]].double().numpy())
    assert "the tables of your Embedding" in made.note


def test_a_module_whose_rows_do_not_add_up_shows_means_and_says_so():
    module = embedding()
    made = lab(Made(lambda idx: 2 * module(idx)))
    assert np.allclose(made.word_parts, made.table.mean(1))
    assert "is not a row of one table plus a row of another" in made.note and "the rest is the same for every word" in made.note


def test_a_module_that_concatenates_is_taken_apart_into_its_halves():
    token, position = torch.randn(4, 3), torch.randn(5, 3)
    made = lab(Made(lambda idx: torch.cat((token[idx], position.expand(len(idx), 5, 3)), dim=-1)))
    assert np.abs(made.position_parts[..., :3]).max() < 1e-6
    assert np.ptp(made.word_parts[:, 3:], axis=0).max() < 1e-6


def test_a_module_that_does_more_than_add_is_named():
    token, position = torch.randn(4, 6), torch.randn(5, 6)
    assert "more is done than adding" in lab(Made(lambda idx: token[idx] * position)).note


def test_a_module_without_positions_is_named_and_the_bag_stays_the_same():
    token = torch.randn(4, 6)
    made = lab(Made(lambda idx: token[idx]), order=MOVED, word=1)
    assert "no positions are added" in made.note
    assert "its vector changed by 0.00" in made.describe()
    assert "The same 5 vectors as at the start" in made.describe()


def test_ids_may_have_one_dimension_or_two():
    assert sent(PositionLab(embedding(), SENTENCE, IDX[0])).tobytes() == sent(lab()).tobytes()
    assert PositionLab(embedding(), SENTENCE, IDX[0].tolist()).words == lab().words


def test_the_module_is_asked_without_dropout_and_left_as_it_was():
    class Dropped(Embedding):
        def forward(self, idx):
            return self.drop(super().forward(idx))

    module = Dropped(TransformerConfig(vocab_size=4, block_size=8, n_embd=6, n_head=2))
    module.drop, module.frozen = nn.Dropout(0.5), nn.Dropout(0.5).eval()
    before = torch.get_rng_state()
    lab(module)
    assert [module.training, module.drop.training, module.frozen.training] == [True, True, False]
    assert torch.equal(torch.get_rng_state(), before)
    assert module.token.weight.grad is None


def test_the_state_is_json():
    state = lab(order=MOVED, word=1).get_state()
    assert json.loads(json.dumps(state))["order"] == MOVED


def test_zero_is_white_in_the_colours_sent():
    colours = lab().colours["signed"]
    assert len(colours) == 255 and colours[127] == "#ffffff"
    assert [int(colours[200][k : k + 2], 16) / 255 for k in (1, 3, 5)] == pytest.approx(
        SIGNED_MAP(200 / 254)[:3], abs=0.02
    )


def test_the_scale_reaches_the_largest_number_shown():
    made = lab()
    assert made.largest == pytest.approx(
        max(np.abs(sent(made)).max(), np.abs(made.word_parts).max(), np.abs(made.position_parts).max())
    )


def test_describe_says_where_a_word_went_and_how_far_its_vector():
    module = embedding()
    position = module.position.weight.detach()
    here = module.token.weight.detach()[1] + position[3]
    said = lab(module, order=MOVED, word=1).describe()
    assert "The sentence is “the₁ bites the₂ dog man”; at the start it was “the₁ dog bites" in said
    changed, length = (position[3] - position[1]).norm(), here.norm()
    assert f"moved from position 1 to position 3: its vector changed by {changed:.2f} (its length is {length:.2f})" in said
    assert "3 of the 5 vectors are new" in said


def test_a_word_where_it_began_has_not_moved():
    said = lab(word=1).describe()
    assert "“dog” at position 1, where it started" in said and "The sentence is in its original order" in said


def test_the_browser_says_and_shows_what_python_does(same_in_javascript):
    module = embedding(n_embd=4)
    states = [{}, {"order": MOVED, "word": 1}, {"order": [3, 1, 2, 0, 4], "word": 3}, {"order": MOVED, "positions": False}, {"word": 4}]
    labs = [lab(module, **state) for state in states]
    labs.append(PositionLab(module, ["dog"], IDX[:, 1:2]))
    same_in_javascript("position_lab", [
        (made, {
            "reading": reading(made), "bag": bag(made), "new": new_positions(made),
            "strips": [[name, *(f"{x:.3f}" for x in part)] for name, part in strips_shown(made)],
        })
        for made in labs
    ])


def test_without_positions_every_order_is_the_same_bag():
    said = lab(order=[0, 4, 2, 3, 1], word=1, positions=False).describe()
    assert "“dog” at position 4: without positions its vector is the same at every position" in said
    assert "The same 5 vectors as at the start" in said


def test_with_positions_two_equal_words_that_swap_positions_leave_the_same_bag():
    assert "The same 5 vectors as at the start" in lab(order=[3, 1, 2, 0, 4]).describe()


def test_the_bag_counts_a_vector_as_often_as_it_occurs():
    # A position that only the first position has: the vectors of "a b b" are A, b, b.
    first = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1)
    made = PositionLab(Made(lambda idx: idx.unsqueeze(-1) * 3 + first), list("abb"), [1, 2, 2])
    made.order = [1, 0, 2]
    assert "2 of the 3 vectors are new" in made.describe()


def test_one_word_has_nothing_to_move():
    made = PositionLab(embedding(), ["dog"], [1])
    assert "there is nothing to move" in made.describe()
    assert made.picture().png()


def test_forty_words_can_be_moved():
    words = (SENTENCE * 8)[:40]
    made = PositionLab(embedding(block_size=40, n_embd=64), words, IDX[0].repeat(8))
    made.order = [*range(1, 40), 0]
    assert sent(made).shape == (40, 40, 64)
    assert made.picture().png()


@pytest.mark.parametrize("change", [{"order": MOVED}, {"word": 1}, {"positions": False}])
def test_the_picture_follows_the_state(change):
    assert lab(**change).picture().png() != lab().picture().png()


def test_a_picture_taken_before_a_move_shows_what_was_there():
    made = lab()
    before = made.picture()
    made.order, made.word = MOVED, 1
    assert before.png() == lab().picture().png()


def test_the_repr_says_what_is_shown():
    assert repr(lab(order=MOVED, word=1)) == (
        "PositionLab(5 words of 6 channels, with positions; 'dog' at position 3)"
    )


@pytest.mark.parametrize(
    ("words", "idx", "sentence"),
    [
        (SENTENCE[:-1], IDX, "words has 4 labels for 5 ids in idx"),
        ("the dog bites the man", IDX, "single string"),
        (SENTENCE, IDX.expand(2, 5), r"idx has shape \(2, 5\)"),
        (SENTENCE, IDX[0] * 1.0, "dtype torch.float32"),
        ([], torch.empty(0, dtype=torch.int64), "has 0 words.*at least one word"),
        (["dog"] * 41, torch.ones(41, dtype=torch.int64), "has 41 words.*1 to 40.*a shorter sentence"),
    ],
)
def test_words_and_ids_that_do_not_fit_are_refused_with_one_sentence(words, idx, sentence):
    with pytest.raises(ValueError, match=sentence):
        PositionLab(embedding(block_size=64), words, idx)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda idx: idx, r"idx of shape \(5, 5\) the module gave shape \(5, 5\).*\(5, 5, n_embd\)"),
        (lambda idx: torch.zeros(1, 5, 6), r"gave shape \(1, 5, 6\)"),
        (lambda idx: None, "gave NoneType"),
        (lambda idx: torch.where(idx == 2, torch.nan, 1.0).unsqueeze(-1), "'man' at position 4 holds NaN"),
        (lambda idx: idx.cumsum(1).unsqueeze(-1) * 1.0, "changes with the words around it.*embedding layer"),
    ],
)
def test_a_module_that_is_no_embedding_is_refused_with_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        lab(Made(make))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("word", 5, "word is 5, but there are 5, counted from 0 to 4"),
        ("order", [0, 1, 2], "must name each of the 5 words once"),
        ("order", [0, 1, 2, 3, 3], "must name each of the 5 words once"),
    ],
)
def test_a_choice_that_is_not_there_is_refused_with_one_sentence(name, value, sentence):
    with pytest.raises(TraitError, match=sentence):
        lab(**{name: value})
