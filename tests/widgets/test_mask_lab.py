import json

import numpy as np
import pytest
import torch
from traitlets import TraitError

from ninelives.model import Decoder, Encoder
from ninelives.model.masks import joint_mask
from ninelives.widgets import MaskLab
from ninelives.widgets.mask_lab.in_words import compared, spread_of_nan

SENTENCES = [text.split() for text in ("the cat was full", "it slept", "the dog ate the whole fish")]
ENCODER, DECODER = Encoder.__new__(Encoder), Decoder.__new__(Decoder)


def mine(model):
    """A learner's function that gives the mask of `model`."""
    return lambda num_tokens, T: model.get_attention_mask(num_tokens, T)


def unwritten(num_tokens, T):
    raise NotImplementedError()


def by_loops(lab: MaskLab) -> np.ndarray:
    """The masks of a lab, cell by cell."""
    T, P = max(map(len, lab.words)), max(map(len, lab.prefix), default=0)

    def is_word(b, i):
        return i >= P - lab.prefix_lengths[b] if i < P else i - P < lab.lengths[b]

    def may_attend(b, i, j):
        if not is_word(b, j) or (lab.rows_too and not is_word(b, i)):
            return False
        if j < P:
            return True
        return i >= P and (j <= i or not lab.causal)

    positions = range(P + T)
    return np.array([[[may_attend(b, i, j) for j in positions] for i in positions] for b in range(len(lab.words))])


@pytest.mark.parametrize("prefix", [None, [["a", "b", "c"], ["a"], ["a", "b"]]])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("rows_too", [False, True])
def test_the_masks_are_those_of_python_loops(causal, prefix, rows_too):
    lab = MaskLab(SENTENCES, causal=causal, prefix=prefix)
    lab.rows_too = rows_too
    for lengths in ([4, 2, 6], [1, 1, 1], [3, 2, 5]):
        lab.lengths = lengths
        assert (lab.masks() == by_loops(lab)).all()
    if prefix:
        lab.prefix_lengths = [1, 1, 2]
        assert (lab.masks() == by_loops(lab)).all()


def test_making_a_lab_leaves_the_random_numbers_of_the_notebook_alone():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    MaskLab(SENTENCES, causal=True).masks()
    assert torch.equal(torch.get_rng_state(), state)


def test_lengths_alone_make_sentences_of_that_many_words():
    lab = MaskLab([3, 1, 5])
    assert lab.lengths == [3, 1, 5]
    assert lab.words[1] == ["w1", "w2", "w3", "w4", "w5"]
    lab.lengths = [5, 5, 5]
    assert lab.masks().all()


def test_repeated_words_are_numbered():
    assert MaskLab(SENTENCES).words[2] == ["the₁", "dog", "ate", "the₂", "whole", "fish"]


def test_describe_says_what_the_chosen_row_may_attend_to_and_with_which_weights():
    lab = MaskLab(SENTENCES)
    lab.sentence, lab.token = 1, 0
    row = torch.tensor(lab.scores[0][:2]).softmax(0)
    said = lab.describe()
    assert "it (position 0 of sentence 2) may attend to it, slept: it attends to" in said
    assert f"it {row[0]:.2f}" in said and f"slept {row[1]:.2f}" in said
    assert "sentence 2: a mask of 6 by 6. No token may attend to pad₁ to pad₄" in said


def test_describe_calls_an_empty_row_what_it_is():
    lab = MaskLab(SENTENCES)
    lab.rows_too, lab.sentence, lab.token = True, 1, 3
    assert "pad (position 3 of sentence 2) may attend to nothing, so its softmax is 0 ÷ 0, NaN." in lab.describe()
    assert "rows of padding closed too" in lab.describe()


def test_closed_rows_are_followed_into_the_second_layer():
    lab = MaskLab(SENTENCES)
    lab.rows_too, lab.sentence = True, 1
    assert "then it, slept are NaN too. So it is right to leave the rows of padding open." in lab.describe()
    lab.lengths = [4, 1, 6]
    assert "then it is NaN too." in lab.describe()
    lab.sentence = 2  # it fills its row, so nothing of it is padding
    assert "NaN too" not in lab.describe()


def test_a_learners_mask_that_agrees_is_said_to_agree():
    for causal, model in ((False, ENCODER), (True, DECODER)):
        lab = MaskLab(SENTENCES, causal=causal, get_attention_mask=mine(model))
        assert "Your get_attention_mask agrees with what is shown." in lab.describe()
        lab.lengths = [1, 2, 3]
        assert lab.yours["lengths"] == [1, 2, 3]
        assert "agrees" in lab.describe()


def test_cells_in_which_a_learners_mask_differs_are_counted():
    lab = MaskLab(SENTENCES, causal=True, get_attention_mask=mine(ENCODER))
    future = sum(n * (n - 1) // 2 for n in lab.lengths)
    assert f"differs from what is shown in {future} cells: yours is an encoder's." in lab.describe()


def test_a_right_mask_agrees_while_the_rows_of_padding_are_closed():
    lab = MaskLab(SENTENCES, get_attention_mask=mine(ENCODER))
    lab.rows_too = True
    assert "Your get_attention_mask agrees with what is shown in the rows of words." in lab.describe()
    lab.causal = True
    future = sum(n * (n - 1) // 2 for n in lab.lengths)
    assert f"differs from what is shown in the rows of words in {future} cells: yours is an encoder's." in lab.describe()


def test_padding_that_attends_to_itself_differs():
    def padding_too(num_tokens, T):
        return ENCODER.get_attention_mask(num_tokens, T) | torch.eye(T, dtype=torch.bool)

    lab = MaskLab(SENTENCES, get_attention_mask=padding_too)
    assert "differs from what is shown in 6 cells." in lab.describe()


def mine_joined(hidden_cache, attention_mask):
    """A learner's right joint_mask."""
    return joint_mask(hidden_cache, attention_mask)


def prefix_sees_all(hidden_cache, attention_mask):
    mask = joint_mask(hidden_cache, attention_mask)
    mask[:, :, : hidden_cache.shape[1]] = True
    return mask


def test_a_learners_joint_mask_is_compared_in_all_four_blocks_and_asked_for_every_prefix():
    lab = MaskLab([4, 2], prefix=[3, 2], causal=True, joint_mask=mine_joined)
    assert "Your joint_mask agrees with what is shown." in lab.describe()
    lab.prefix_lengths = [1, 1]
    assert lab.yours["prefix_lengths"] == [1, 1] and "agrees" in lab.describe()
    lab.causal = False  # it joins the mask that it is given
    assert "agrees" in lab.describe()
    wrong = MaskLab([4, 2], prefix=[3, 2], causal=True, joint_mask=prefix_sees_all)
    assert f"Your joint_mask differs from what is shown in {3 * 4 + 3 * 4 + 3} cells." in wrong.describe()
    unwritten_yet = MaskLab([4, 2], prefix=[3, 2], joint_mask=unwritten)
    assert "The package's joint_mask is shown; yours is not written yet." in unwritten_yet.describe()
    assert "The package's joint_mask is shown, not yours." in MaskLab([2], prefix=[2], joint_mask=joint_mask).describe()


def test_the_browser_masks_and_compares_as_python_does(same_in_javascript):
    labs = [
        MaskLab(SENTENCES, get_attention_mask=mine(ENCODER)),
        MaskLab(SENTENCES, causal=True, get_attention_mask=mine(ENCODER)),
        MaskLab([2], causal=True, get_attention_mask=mine(ENCODER)),
        MaskLab([3, 2], prefix=[2, 3], causal=True, get_attention_mask=mine(DECODER)),
        MaskLab([3, 2], get_attention_mask=lambda num_tokens, T: 1 / 0),
        MaskLab([3, 2], get_attention_mask=unwritten),
        MaskLab([3, 2], get_attention_mask=ENCODER.get_attention_mask),
        MaskLab(SENTENCES, get_attention_mask=mine(ENCODER)),
        MaskLab(SENTENCES, get_attention_mask=mine(DECODER)),
        MaskLab([3, 2], prefix=[2, 3], causal=True, joint_mask=mine_joined),
        MaskLab([3, 2], prefix=[2, 3], causal=True, joint_mask=prefix_sees_all),
    ]
    labs[7].rows_too = labs[10].rows_too = True
    labs[10].prefix_lengths = [1, 2]
    labs[9].causal = False
    labs[1].rows_too, labs[1].lengths, labs[1].sentence = True, [4, 1, 3], 1
    labs[3].prefix_lengths = [1, 3]
    same_in_javascript("mask_lab", [
        (lab, {
            "masks": lab.masks().astype(int).tolist(), "compared": compared(lab), "nan": spread_of_nan(lab),
        }) for lab in labs
    ])


def test_any_form_of_a_learners_mask_is_taken():
    def one_row_of_floats(num_tokens, T):
        return (torch.arange(T) < num_tokens.view(-1, 1, 1, 1)).float()  # (B, 1, 1, T)

    assert "agrees" in MaskLab(SENTENCES, get_attention_mask=one_row_of_floats).describe()


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda num_tokens, T: 1 / 0, "yours raises ZeroDivisionError: division by zero"),
        (lambda num_tokens, T: None, "The package's get_attention_mask is shown; yours gives None."),
        (lambda num_tokens, T: torch.arange(T) < num_tokens.view(-1, 1, 1), "yours gives the shape (3, 1, 6), where (B, 1, T, T) = (3, 1, 6, 6) is expected."),
        (lambda num_tokens, T: torch.ones(3, 1, 2, 2), "yours raises RuntimeError"),
    ],
)
def test_a_learners_function_that_fails_is_said_to_fail(function, says):
    lab = MaskLab(SENTENCES, get_attention_mask=function)
    assert says in lab.describe()
    json.dumps(lab.yours)


def test_the_packages_mask_is_never_called_the_learners():
    assert "The package's get_attention_mask is shown; yours is not written yet." in MaskLab(
        SENTENCES, get_attention_mask=unwritten
    ).describe()
    lab = MaskLab(SENTENCES, get_attention_mask=ENCODER.get_attention_mask)
    assert "The package's get_attention_mask is shown, not yours." in lab.describe()
    assert "Your " not in lab.describe()


def test_a_learners_function_cannot_change_the_lengths():
    lab = MaskLab(SENTENCES, get_attention_mask=lambda num_tokens, T: num_tokens.zero_())
    assert lab.lengths == [4, 2, 6]


def test_the_state_is_json():
    lab = MaskLab(SENTENCES, prefix=[2, 1, 3], get_attention_mask=mine(ENCODER))
    assert json.loads(json.dumps(lab.get_state()))["lengths"] == [4, 2, 6]


def test_the_repr_says_what_is_shown():
    assert repr(MaskLab(SENTENCES)) == "MaskLab(3 sentences, encoder masks, lengths 4, 2, 6 of 6)"


def test_the_picture_follows_the_state():
    lab = MaskLab(SENTENCES)
    before = lab.picture().png()
    lab.causal = True
    assert lab.picture().png() != before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"sentences": []}, "sentences is empty"),
        ({"sentences": ["it slept"]}, "each sentence is a list of words"),
        ({"sentences": [["it"], []]}, "each sentence is a list of words"),
        ({"sentences": [3, 0]}, "sentences holds the length 0"),
        ({"sentences": [3, -2]}, "sentences holds the length -2"),
        ({"sentences": [3, 2], "joint_mask": mine_joined}, "joint_mask joins a prefix and a sentence"),
        ({"sentences": [3, 2], "prefix": [4]}, "1 prefixes for 2 sentences"),
        ({"sentences": [25]}, "there are 25 positions to draw, and at most 24"),
        ({"sentences": [20], "prefix": [5]}, "there are 25 positions to draw"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_one_sentence(arguments, says):
    with pytest.raises(ValueError, match=says):
        MaskLab(**arguments)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("lengths", [4, 3, 6], "lengths holds 3: this sentence has 1 to 2 words"),
        ("lengths", [0, 2, 6], "lengths holds 0"),
        ("lengths", [4, 2], "2 lengths for 3 sentences"),
        ("sentence", 3, "sentence is 3, but there are 3, counted from 0 to 2"),
        ("token", 6, "token is 6, but there are 6"),
    ],
)
def test_a_choice_that_is_not_there_is_refused_with_one_sentence(name, value, says):
    with pytest.raises(TraitError, match=says):
        setattr(MaskLab(SENTENCES), name, value)
