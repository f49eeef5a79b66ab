"""On the inputs of the checks every known mistake shows, far above the tolerance."""

import math
from itertools import combinations

import pytest
import torch
from torch import nn

import ninelives.checks.attention as check
from answers.right.attention import FusedProjection, FusedWithoutBias, Given, ListOfHeads, ListsOfLayers, StepByStep
from ninelives.checks.attention_inputs import equal_sizes, padding_mask, sizes, tokens
from ninelives.checks.attention_steps import dot_products, softmax_by_hand
from ninelives.checks.exercise import CheckFailed, build, on_layers_of, same_values
from ninelives.model import MultiHeadSelfAttention

seeds = pytest.mark.parametrize("seed", range(6))


def case(seed, drawn=sizes):
    """Weights, number of heads, x and a random mask, as the checks draw them."""
    B, T, config = drawn(seed)
    torch.manual_seed(seed)
    parts = check.projections(build(Given, config), config)
    return parts, config.n_head, tokens(B, T, config.n_embd, seed), check.random_mask(B, T, seed)


@seeds
def test_no_two_sizes_of_the_ordinary_case_are_equal(seed):
    B, T, config = sizes(seed)
    assert len({B, T, config.n_head, config.head_size, config.n_embd}) == 5


@seeds
def test_in_the_other_case_the_confusable_sizes_are_equal(seed):
    B, T, config = equal_sizes(seed)
    assert (B, T) == (config.n_head, config.head_size)


@seeds
@pytest.mark.parametrize("drawn", [sizes, equal_sizes])
def test_no_attention_weight_of_the_inputs_is_near_one(seed, drawn):
    parts, n_head, x, _ = case(seed, drawn)
    given = check.given_with(parts, drawn(seed)[2])
    q, k, _ = given.heads(x.double())
    weights = given.weigh(q, k, None)
    assert weights.max() < 0.95
    assert weights.amax(-1).quantile(0.9) < 0.9


def outputs(seed):
    """The right output, and what each registered mistake gives for the same weights: (B, T, C) each."""
    parts, n_head, x, mask = case(seed)
    given = check.given_with(parts, sizes(seed)[2])
    right = check.pytorch_attention(parts, n_head, x, mask)
    # One shows in the shape alone, and one only where the mask may be squeezed, that is with B = n_head.
    mistakes = [
        each for each in check.multi_head_self_attention.mistakes
        if each.aspect != "shape" and "lost its axis of size 1" not in each.cause
    ]
    return right, {each.cause: on_layers_of(given, each.answer)(x.double(), mask) for each in mistakes}


@seeds
def test_a_missing_scale_moves_the_output_far_above_the_tolerance(seed):
    right, mistaken = outputs(seed)
    unscaled = mistaken["the scores are not divided by √head_size."]
    assert (right - unscaled).abs().max() > 100 * 1e-4 * (1 + right.abs().max())


@seeds
def test_every_known_mistake_gives_another_output_than_the_right_one(seed):
    right, mistaken = outputs(seed)
    assert len(mistaken) > 30
    for cause, output in mistaken.items():
        assert not same_values(output, right, tolerance=1e-3), cause


@seeds
def test_no_two_known_mistakes_give_the_same_output(seed):
    for (one, first), (other, second) in combinations(outputs(seed)[1].items(), 2):
        assert not same_values(first, second), f"{one}\n{other}"


@seeds
def test_the_steps_that_mistakes_spoil_are_pytorchs_own_attention(seed):
    parts, n_head, x, mask = case(seed)
    ours = check.given_with(parts, sizes(seed)[2])(x.double(), mask)
    assert torch.allclose(ours, check.pytorch_attention(parts, n_head, x, mask), rtol=0, atol=1e-12)


@seeds
def test_a_random_mask_has_no_empty_and_no_full_row_or_column_and_is_not_causal(seed):
    B, T, config = sizes(seed)
    for b, t in ((B, T), equal_sizes(seed)[:2]):
        mask = check.random_mask(b, t, seed)
        assert mask.shape == (b, 1, t, t)
        for axis in (-1, -2):
            assert mask.any(axis).all() and not mask.all(axis).any()
        assert not torch.equal(mask, mask.tril())
        assert not torch.equal(mask, mask.mT)
        assert not torch.equal(mask[0], mask[1])


@seeds
def test_padding_leaves_a_word_in_every_example_and_lengths_differ(seed):
    B, T, _ = sizes(seed)
    lengths = padding_mask(B, T)[:, 0, 0].sum(-1)
    assert lengths.min() >= 1 and lengths.max() < T
    assert len(set(lengths.tolist())) > 1


def test_the_softmax_reference_is_pytorchs_own():
    scores, mask = torch.randn(2, 3, 4, 4).double(), check.random_mask(2, 4, 0)
    theirs = nn.functional.scaled_dot_product_attention(
        scores, torch.eye(4).double().expand_as(scores), torch.eye(4).double().expand_as(scores), mask, scale=1.0
    )
    assert torch.allclose(softmax_by_hand(scores, mask), theirs, rtol=0, atol=1e-12)


def test_the_dot_product_reference_is_the_matrix_product():
    q, k = torch.randn(2, 2, 3, 4, 5).double()
    assert torch.allclose(dot_products(q, k), torch.matmul(q, k.mT), rtol=0, atol=1e-12)


@pytest.mark.parametrize("answer", [StepByStep, FusedProjection, FusedWithoutBias, ListOfHeads, ListsOfLayers])
def test_projections_are_found_in_every_form_of_layer(answer):
    B, T, config = sizes(0)
    module = build(answer, config).eval()
    x, mask = tokens(B, T, config.n_embd, 0), check.random_mask(B, T, 0)
    wanted = check.pytorch_attention(check.projections(module, config), config.n_head, x, mask)
    assert same_values(module(x, mask), wanted, tolerance=1e-5)


@pytest.mark.parametrize("name", ["query", "W_q", "wq", "q_proj", "to_q", "queries.3", "heads.0.query", "linear_q"])
def test_a_layer_is_known_by_its_name(name):
    assert check.role(name) == "query"
    assert check.role(name.replace("query", "key").replace("queries", "keys").replace("q", "k")) == "key"
    assert check.role(name.replace("query", "value").replace("queries", "values").replace("q", "v")) == "value"


@pytest.mark.parametrize("name", ["proj", "c_proj", "out", "w_o", "qkv", "c_attn", "heads.0"])
def test_other_names_claim_no_role(name):
    assert check.role(name) == ""


def test_layers_that_cannot_be_told_apart_are_refused_in_words():
    B, T, config = sizes(0)
    module = nn.ModuleDict({"one": nn.Linear(12, 12), "two": nn.Linear(12, 12)})
    with pytest.raises(CheckFailed, match=r"one \(12, 12\), two \(12, 12\)"):
        check.projections(module, config)
    with pytest.raises(CheckFailed, match="are missing"):
        check.projections(nn.Identity(), config)


@seeds
def test_the_packages_attention_passes_the_learners_checks(seed):
    # It computes its weights again when they are asked for, and so keeps none.
    for aspect in set(check.multi_head_self_attention.aspects) - {"weights kept"}:
        assert check.multi_head_self_attention.refusal(aspect, MultiHeadSelfAttention, seed) is None


def test_each_aspect_is_checked_independently_of_the_others():
    class NoScale(Given):
        def forward(self, x, attention_mask=None):
            q, k, v = (layer(x).unflatten(-1, (self.n_head, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value))
            scores = q @ k.mT
            if attention_mask is not None:
                scores = scores.masked_fill(attention_mask == 0, -math.inf)
            return self.proj_dropout(self.proj((self.attn_dropout(scores.softmax(-1)) @ v).transpose(1, 2).flatten(2)))

    for aspect in ("shape", "dropout", "gradient"):
        check.multi_head_self_attention(NoScale, aspect)
    with pytest.raises(CheckFailed, match="not divided by √head_size"):
        check.multi_head_self_attention(NoScale, "values")


@seeds
def test_heads_that_were_not_split_are_refused_by_a_small_batch(seed):
    class NotSplit(Given):
        def forward(self, x, attention_mask=None):
            q, k, v = self.query(x), self.key(x), self.value(x)
            scores = (q @ k.mT).masked_fill(attention_mask == 0, -math.inf)  # (B, B, T, T): the mask has an axis more
            return self.proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))

    refusal = check.multi_head_self_attention.refusal("dropout", NotSplit, seed)
    assert "inputs of shape (5, 3, " in str(refusal)
