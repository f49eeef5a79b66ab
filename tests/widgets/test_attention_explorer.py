import json
import sys

import numpy as np
import pytest
import torch
from torch import nn
from traitlets import TraitError, link

from helpers.drawn import texts
from ninelives.figures import attention_parts, read_row
from ninelives.figures.measures import rollout_shares
from ninelives.figures.scale import ticks_of, top_of
from ninelives.figures.style import WEIGHTS_MAP
from ninelives.widgets import AttentionExplorer
from ninelives.widgets.attention_explorer.encoding import UNIT
from ninelives.widgets.attention_explorer.in_words import notes
from ninelives.widgets.attention_explorer.on_demand import shares
from ninelives.widgets.attention_explorer.shown import head_name, shown_head
from ninelives.widgets.attention_explorer.why import why_of

SENTENCE = "The cat did not want to eat because it was full".split()
IT, CAT, FULL = SENTENCE.index("it"), SENTENCE.index("cat"), SENTENCE.index("full")


def attention(*shape: int, seed: int = 0) -> torch.Tensor:
    scores = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.softmax(2 * scores, dim=-1)


def hand_set() -> torch.Tensor:
    """One head (T, T) in which every word attends to itself, except "it"."""
    weights = torch.eye(len(SENTENCE))
    weights[IT] = 0.21 / 9
    weights[IT, CAT], weights[IT, FULL] = 0.71, 0.08
    return weights


def causal(T: int) -> torch.Tensor:
    """One head (1, 1, T, T) under a causal mask, the last position padded."""
    scores = torch.randn(1, 1, T, T, generator=torch.Generator().manual_seed(0)).masked_fill(torch.ones(T, T).triu(1).bool(), -torch.inf)
    scores[..., T - 1] = -torch.inf
    return scores.softmax(-1)


def scores(T: int) -> torch.Tensor:
    """Scores (1, 1, T, T) under a causal mask."""
    values = 3 * torch.randn(1, 1, T, T, generator=torch.Generator().manual_seed(1))
    return values.masked_fill(torch.ones(T, T).triu(1).bool(), -torch.inf)


def attention_pair(together=(), **part) -> AttentionExplorer:
    """Two sentences of other lengths in one explorer."""
    first = AttentionExplorer(attention(2, 2, 5, 5), "the cat was the dog".split(), head=1, together=together)
    second = AttentionExplorer(attention(2, 2, 7, 7, seed=3), "the cat was followed by the dog".split())
    return first.compare(second, **part)


def by_hand() -> AttentionExplorer:
    """The head that notebook 2 sets by hand, with its queries and keys."""
    channels = ["animal", "pronoun", "eating", "other"]
    x = torch.eye(4)[[{"cat": 0, "it": 1, "eat": 2, "full": 2}.get(word, 3) for word in SENTENCE]]  # (T, 4)
    W_query = torch.zeros(4, 4)
    W_query[1, 0], W_query[1, 2] = 7, 2
    return AttentionExplorer((x @ W_query @ x.mT / 2).softmax(-1), SENTENCE, queries=x @ W_query, keys=x, channels=channels)


class Biased(nn.Module):
    """Causal attention of heads that prefer near words, as with ALiBi."""

    def forward(self, x):
        T = x.shape[-2]
        away = torch.arange(T) - torch.arange(T)[:, None]  # (T, T)
        bias = (away * torch.tensor([0.5, 2])[:, None, None]).masked_fill(away > 0, -torch.inf)  # (H, T, T)
        return nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=bias, scale=0.25)


def why_said(explorer: AttentionExplorer) -> list[list[str]]:
    """Each row to the first and to the last word, where queries and keys are known."""
    if explorer.parts[explorer.part].scoring is None:
        return []
    pairs = [(i, j) for i in range(len(explorer.rows)) for j in (0, len(explorer.columns) - 1)]
    return [[why.title(), why.products(), why.sums()] for why in (why_of(explorer, i, j) for i, j in pairs)]


def sent(explorer: AttentionExplorer) -> np.ndarray:
    part = explorer.data[0]
    L, H, T, S = part["shape"]
    return np.frombuffer(part["weights"], "<u2")[: L * H * T * S].reshape(part["shape"]) / UNIT


@pytest.mark.parametrize(
    ("attentions", "shape"),
    [
        (attention(2, 3, 11, 11), [2, 3, 11, 11]),
        (attention(3, 11, 11), [1, 3, 11, 11]),
        (attention(11, 11), [1, 1, 11, 11]),
        ([attention(5, 3, 11, 11), attention(5, 3, 11, 11, seed=1)], [2, 3, 11, 11]),
        ((attention(1, 3, 11, 11).requires_grad_(),), [1, 3, 11, 11]),
        (attention(2, 3, 11, 11).numpy(), [2, 3, 11, 11]),
    ],
)
def test_every_form_that_a_model_returns_is_taken(attentions, shape):
    assert list(AttentionExplorer(attentions, SENTENCE).attentions.shape) == shape


def test_layers_and_heads_keep_their_positions():
    weights = attention(2, 3, 11, 11)
    assert np.abs(sent(AttentionExplorer(weights, SENTENCE)) - weights.numpy()).max() < 1e-3


def test_two_decimals_of_every_weight_sent_are_those_of_the_weight():
    weights = attention(4, 8, 40, 40)
    weights[0, 0] = torch.linspace(0, 1, 40).softmax(0)
    weights[0, 1, :, :] = 0
    weights[0, 1, :, 0], weights[0, 1, :, 1] = 0.125, 0.875  # ties
    seen = sent(AttentionExplorer(weights, [f"w{i}" for i in range(40)]))
    two = np.vectorize(lambda w: f"{w:.2f}")
    assert (two(seen) == two(weights.double().numpy())).all()


def test_the_browser_reads_rows_as_python_does(same_in_javascript):
    explorers = [
        AttentionExplorer(attention(1, 2, 5, 5), SENTENCE[:5], head=1),
        AttentionExplorer(attention(1, 1, 3, 6), "le chat dort".split(), SENTENCE[:6]),
        AttentionExplorer(torch.full((4, 4), 0.25), SENTENCE[:4]),
        AttentionExplorer(causal(6), SENTENCE[:6], mask=[1, 1, 1, 1, 1, 0], layers=[4], heads=[7], names={(4, 7): "previous"}, scale="sqrt", vmax="head"),
        AttentionExplorer(attention(1, 1, 8, 8), SENTENCE[:8], first=1, vmax=0.2),
        *(AttentionExplorer(attention(2, 2, 4, 4), SENTENCE[:4], layer=1, combine=what) for what in ("layer", "model", "rollout")),
    ]
    padded = attention(2, 2, 4, 4) * (torch.arange(4) < 3)
    explorers.append(AttentionExplorer(padded / padded.sum(-1, keepdim=True), SENTENCE[:4], mask=[1, 1, 1, 0], combine="rollout"))
    explorers[0].hidden, explorers[1].hidden = [1, 3], [0]
    explorers[1].together, explorers[2].together, explorers[3].together = [0, 2], range(4), [1, 5]
    explorers += [
        AttentionExplorer(scores(5), SENTENCE[:5], kind="scores", together=[1, 4]),
        AttentionExplorer(300 * scores(5)[:, :, :2, 1:], SENTENCE[:2], SENTENCE[:4], kind="signed", scale="sqrt", vmax="head", hidden=[2]),
        AttentionExplorer(torch.zeros(2, 2), SENTENCE[:2], kind="scores"),
        AttentionExplorer(torch.full((4, 4), 0.25), ["straw", "##berry", "pie", "[SEP]"], hidden=["[SEP]"], together=[0, 1]),
        AttentionExplorer(torch.eye(2), ["", ""]),
        *(attention_pair(together=[3, 4], part=part) for part in ("first", "difference")),
        by_hand(), AttentionExplorer.of(Biased().eval(), torch.randn(1, 2, 4, 3, generator=torch.Generator().manual_seed(0)), tokens=SENTENCE[:4], head=1),
        AttentionExplorer.of(nn.functional.scaled_dot_product_attention, *(20 * torch.tensor([[[[1.0, 2], [0, 1]]]])).expand(3, 1, 1, 2, 2), tokens=SENTENCE[:2]),
    ]
    cases = []
    for explorer in explorers:
        shown = shown_head(explorer)
        says = {
            "rows": [shown.sentence([i]) for i in range(len(shown.rows))],
            "why": why_said(explorer),
            "shares": [f"{100 * share:.1f}" for share in shares(explorer.parts[explorer.part], 2, 0)[0]] if explorer.combine == "rollout" else [],
            "together": shown.sentence(shown.chosen) if explorer.together else "",
            "weights": [f"{w:z.2f}" for w in shown.weights.flat],
            "head": head_name(explorer),
            "note": " ".join(notes(explorer)),
            "ticks": ticks_of(explorer.scale, top_of(explorer.vmax, shown.weights), shown.kind != "weights"),
        }
        cases.append((explorer, says))
    same_in_javascript("attention_explorer", cases)


def test_the_state_is_json_apart_from_the_weights():
    explorer = AttentionExplorer(attention(2, 3, 11, 11), SENTENCE, token="it")
    explorer.hidden = [0]
    state = explorer.get_state()
    del state["data"][0]["weights"]
    assert json.loads(json.dumps(state))["token"] == IT


def test_the_browser_gets_the_colours_of_the_figures():
    colours = AttentionExplorer(hand_set(), SENTENCE).colours["weights"]
    assert len(colours) == 256
    assert [int(colours[200][k : k + 2], 16) / 255 for k in (1, 3, 5)] == pytest.approx(
        WEIGHTS_MAP(200)[:3], abs=1 / 255
    )


def test_repeated_words_are_numbered():
    explorer = AttentionExplorer(attention(3, 3), ["the", "cat", "the"])
    assert explorer.rows == ["the₁", "cat", "the₂"]


def test_a_single_word_can_be_explored():
    explorer = AttentionExplorer(torch.ones(1, 1, 1, 1), ["cat"], token=0)
    assert "cat attends to cat 1.00" in explorer.describe()
    assert explorer.picture().png()


def test_of_a_long_text_the_head_that_is_shown_is_sent_and_others_when_they_are_looked_at(monkeypatch, tmp_path):
    words, weights = [f"w{i}" for i in range(300)], attention(7, 8, 300, 300)
    explorer = AttentionExplorer(weights, words, layer=1, head=-1, token=299)
    assert explorer.data[0]["sent"] == [15]
    assert np.abs(np.frombuffer(explorer.data[0]["weights"], "<u2").reshape(300, 300) / UNIT - weights[1, 7].numpy()).max() < 1e-3
    answers = []
    monkeypatch.setattr(explorer, "send", lambda content, buffers: answers.append((content, [np.frombuffer(b, "<u2") / UNIT for b in buffers])))
    for question in (
        {"ask": "map", "k": 3},
        {"ask": "map", "k": 7 * 8 + 2},
        {"ask": "thumbs", "layer": 6, "hidden": []},
        {"ask": "link", "from": 5, "to": 9, "hidden": [0, 1]},
        {"ask": "shares", "from": 5, "to": 9},
    ):
        explorer._answer(explorer, {**question, "part": "attention"}, [])
    head, mean, blocks, links, of_rollout = [buffers[0] for _, buffers in answers]
    assert np.abs(head.reshape(300, 300) - weights[0, 3].numpy()).max() < 1e-3
    assert np.abs(mean.reshape(300, 300) - weights[2].mean(0).numpy()).max() < 1e-3
    i = np.arange(300) * 56 // 300  # the block of each cell, as in pixels.js
    wanted = np.zeros((56, 56))
    np.maximum.at(wanted, (i[:, None], i), weights[6, 5].numpy())
    assert np.abs(blocks.reshape(8, 56, 56)[5] - wanted).max() < 1e-3
    assert np.abs(links - (weights[:, :, 5, 9] / weights[:, :, 5, 2:].sum(-1)).flatten().numpy()).max() < 1e-3
    through, past = rollout_shares(explorer.parts["attention"], 5, 9)
    total = through[0].sum() + past[0]
    assert np.abs(of_rollout - [*(through / total).flat, total]).max() < 1e-4
    assert explorer.picture().png()


def test_a_text_that_is_too_long_to_draw_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr("ninelives.widgets.attention_explorer.encoding.MOST_CELLS", 100)
    with pytest.raises(ValueError, match="11 by 11 words are too many to draw, 100 cells at most: give the model a shorter text"):
        AttentionExplorer(attention(11, 11), SENTENCE)


def test_a_page_that_would_be_too_large_is_refused_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("ninelives.widgets.attention_explorer.saving.MOST_OF_A_PAGE", 1000)
    explorer = AttentionExplorer(attention(2, 3, 11, 11), SENTENCE)
    with pytest.raises(ValueError, match="A page with all 2 × 3 heads of 11 words takes more than .* make an explorer of some of them"):
        explorer.save(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_describe_says_what_the_chosen_word_attends_to():
    said = AttentionExplorer(hand_set(), SENTENCE, token="it").describe()
    assert said.startswith("The only head. Chosen: it attends to cat 0.71, full 0.08.")
    assert "full attends to full 1.00" in said


def test_the_chosen_row_is_said_once_and_rows_that_have_no_choice_lead_nothing():
    words = [f"w{k}" for k in range(30)]
    weights = (2 * torch.randn(1, 1, 30, 30, generator=torch.Generator().manual_seed(0))).masked_fill(torch.ones(30, 30).triu(1).bool(), -torch.inf).softmax(-1)
    explorer = AttentionExplorer(weights, words, token=29)
    assert explorer.describe().count("w29 attends to") == 1
    assert "w0 attends to" not in explorer.describe()  # to itself alone
    assert explorer.describe().count(" attends to ") == 13
    assert AttentionExplorer(torch.ones(1, 1), ["cat"], token=0).describe() == "The only head. Chosen: cat attends to cat 1.00."


def test_describe_follows_the_selection():
    weights = attention(2, 3, 11, 11)
    explorer = AttentionExplorer(weights, SENTENCE)
    explorer.layer, explorer.head, explorer.token = 1, 2, CAT
    assert read_row(weights[1, 2], SENTENCE, "cat") in explorer.describe()
    assert explorer.describe().startswith("Layer 1, head 2 (2 × 3 heads, counted from 0).")


def test_hiding_a_word_renormalises_the_rest_and_says_so():
    explorer = AttentionExplorer(hand_set(), SENTENCE, token="it")
    explorer.hidden = [CAT]
    said = explorer.describe()
    assert "Hidden: cat" in said and "renormalised" in said
    assert f"it attends to full {0.08 / 0.29:.2f}" in said
    assert "cat attends to" not in said


def test_a_row_that_attends_to_hidden_words_only_shows_no_weight():
    explorer = AttentionExplorer(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), ["a", "b"], token=1)
    explorer.hidden = [0]
    assert "b attends to no token with 0.05 or more (most: b 0.00)" in explorer.describe()


def test_words_are_hidden_from_the_start_by_position_or_by_word():
    explorer = AttentionExplorer(hand_set(), SENTENCE, hidden=[-1, "cat"])
    assert explorer.hidden == [CAT, len(SENTENCE) - 1]
    with pytest.raises(ValueError, match="'dog' is not among the tokens"):
        AttentionExplorer(hand_set(), SENTENCE, hidden=["dog"])


def test_the_link_that_is_ranked_first_and_groups_of_words_are_sent_as_positions():
    explorer = AttentionExplorer(hand_set(), SENTENCE, token="it", to="cat", groups={"end": range(8, 11)})
    assert (explorer.to, explorer.groups) == (CAT, {"end": [8, 9, 10]})


def test_a_chosen_word_that_is_hidden_is_not_chosen_any_more_and_cannot_be_chosen():
    explorer = AttentionExplorer(hand_set(), SENTENCE, token="it", hidden="it")
    assert (explorer.token, explorer.word) == (None, None)
    assert "chosen" not in repr(explorer) and "it attends" not in explorer.describe()
    with pytest.raises(TraitError, match="token is 'it', which is hidden; take it out of `hidden` to choose it."):
        explorer.token = "it"
    other = AttentionExplorer(hand_set(), SENTENCE)
    link((explorer, "word"), (other, "word"))
    other.token = "it"
    assert (explorer.token, other.word) == (None, "it")
    assert AttentionExplorer(torch.tensor([[0.5, 0.5]]), ["le"], ["the", "cat"], token=0, hidden=[0]).token == 0


def test_with_every_word_hidden_there_are_words_and_no_picture():
    explorer = AttentionExplorer(hand_set(), SENTENCE)
    explorer.hidden = list(range(len(SENTENCE)))
    assert "Every word is hidden" in explorer.describe()
    assert "image/png" not in explorer._repr_mimebundle_()[0]
    with pytest.raises(ValueError, match="All 11 words are hidden"):
        explorer.picture()


def test_cross_attention_hides_among_the_words_that_are_attended_to():
    weights = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    explorer = AttentionExplorer(weights, ["le", "chat"], ["the", "black", "cat"], token="chat")
    explorer.hidden = [1]
    assert explorer.data[0]["cross"]
    assert f"chat attends to cat {0.8 / 0.9:.2f}, the {0.1 / 0.9:.2f}" in explorer.describe()


def test_the_picture_follows_the_selection():
    explorer = AttentionExplorer(attention(2, 3, 11, 11), SENTENCE)
    before = explorer.picture().png()
    explorer.head = 1
    assert explorer.picture().png() != before


def test_what_is_shown_is_saved_as_one_figure_from_python_and_from_the_menu(tmp_path, monkeypatch):
    explorer = AttentionExplorer(causal(6), SENTENCE[:6], mask=[1, 1, 1, 1, 1, 0], layers=[4], heads=[7], token="cat", model="tiny")
    explorer.save(tmp_path / "figure.SVG")
    drawing = (tmp_path / "figure.SVG").read_text("utf-8")
    for words in ("tiny · Layer 4, head 7", "Grey: masked.", "Chosen: cat attends to", "Words: The cat did"):
        assert words.split()[0] in drawing and words.split()[-1] in drawing
    assert "<image" not in drawing
    sent = []
    monkeypatch.setattr(explorer, "send", lambda content, buffers: sent.append((content, buffers)))
    for ending in ("svg", "html", "docx"):
        explorer._answer(explorer, {"ask": ending}, [])
    assert [content["ending"] for content, _ in sent] == ["svg", "html"]
    assert sent[0][1] == [drawing.encode()]
    with pytest.raises(ValueError, match="must end in .pdf, .svg, .png or .html"):
        explorer.save(tmp_path / "figure.docx")


def test_one_explorer_of_64_words_costs_a_saved_notebook_at_most_100_kilobytes(monkeypatch):
    outputs = []
    monkeypatch.setattr("ninelives.widgets.lab_widget.display", lambda data, **how: outputs.append([data, how]))
    AttentionExplorer(attention(6, 8, 64, 64), (SENTENCE * 6)[:64])._ipython_display_()
    assert 10_000 < len(json.dumps(outputs)) < 100_000


def test_the_repr_says_what_is_shown():
    explorer = AttentionExplorer(attention(2, 3, 11, 11), SENTENCE, layer=1, token="it")
    assert repr(explorer) == (
        "AttentionExplorer(2 × 3 heads, 11 words; layer 1, head 0; 'it' chosen)"
    )


@pytest.mark.parametrize(
    ("attentions", "tokens", "sentence"),
    [
        (attention(2, 3, 11, 11), SENTENCE[:-1], "10 labels for 11 rows"),
        (attention(2, 11), SENTENCE, "11 labels for 2 rows"),
        (attention(11), SENTENCE, r"shape \(11,\)"),
        (attention(2, 2), "the cat", "single string"),
        (attention(2, 2) * 2, ["the", "cat"], "sums to 2.000, not to 1"),
        (torch.randn(4, 4), list("abcd"), "negative weight"),
        (torch.full((2, 2), torch.nan), ["a", "b"], "Layer 0, head 0, the row of 'a' holds NaN"),
        ((None,), ["the"], "output_attentions=True"),
    ],
)
def test_what_is_no_attention_is_refused_with_one_sentence(attentions, tokens, sentence):
    with pytest.raises(ValueError, match=sentence):
        AttentionExplorer(attentions, tokens)


def test_an_empty_row_is_named_with_its_cause():
    scores = torch.zeros(2, 3, 4, 4)
    scores[1, 2, 3] = -torch.inf
    with pytest.raises(ValueError, match="Layer 1, head 2, the row of 'd' holds NaN.*masked"):
        AttentionExplorer(scores.softmax(-1), list("abcd"))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("layer", 2, "layer is 2, but there are 2 layers, counted from 0 to 1"),
        ("head", -4, "head is -4, but there are 3 heads, counted from 0 to 2"),
        ("token", 11, "token is 11, but there are 11 positions, counted from 0 to 10"),
        ("hidden", [3, 40], "hidden is 40, but there are 11 positions, counted from 0 to 10"),
        ("vmax", "row", "vmax is 'row'; pass the weight that gets the darkest colour"),
        ("vmax", 0, "vmax is 0.0; pass the weight that gets the darkest colour"),
        ("part", "decoder", "part is 'decoder'; the part is 'attention'"),
    ],
)
def test_a_choice_that_is_not_there_is_refused_with_one_sentence(name, value, sentence):
    explorer = AttentionExplorer(attention(2, 3, 11, 11), SENTENCE)
    with pytest.raises(TraitError, match=sentence):
        setattr(explorer, name, value)


def test_several_heads_are_shown_together():
    weights = attention(2, 3, 11, 11)
    explorer = AttentionExplorer(weights, SENTENCE, layer=1, combine="layer", first=1)
    assert explorer.row("it") == pytest.approx(dict(zip(SENTENCE, weights[1, :, IT].mean(0).tolist(), strict=True)), abs=1e-6)
    assert head_name(explorer) == "Layer 2, mean of 3 heads"
    explorer.combine = "model"
    assert explorer.row("it")["cat"] == pytest.approx(weights[:, :, IT, CAT].mean().item(), abs=1e-6)
    explorer.combine = "rollout"
    assert sum(explorer.row("it").values()) == pytest.approx(1)
    for some in ({"layers": [1]}, {"heads": [1, 2]}):
        with pytest.raises(TraitError, match="rollout.*needs self-attention, and all heads of all layers"):
            AttentionExplorer(weights, SENTENCE, **some, combine="rollout")


def test_heads_have_shares_of_a_rollout():
    causal_weights = attention(2, 3, 4, 4).tril()
    explorer = AttentionExplorer(causal_weights / causal_weights.sum(-1, keepdim=True), SENTENCE[:4], first=1)
    found = explorer.rollout_shares(3, "cat")
    assert list(found) == [(layer, head) for layer in (1, 2) for head in (1, 2, 3)]
    through, past = rollout_shares(explorer.parts["attention"], 3, 1)
    assert sum(found[1, head] for head in (1, 2, 3)) == pytest.approx(1 - past[0] / (through[0].sum() + past[0]))
    with pytest.raises(ValueError, match="No path leads from 'cat' to 'not'"):
        explorer.rollout_shares("cat", "not")
    with pytest.raises(ValueError, match="There is no rollout here; it needs self-attention"):
        AttentionExplorer(causal_weights, SENTENCE[:4], mask=False, kind="signed").rollout_shares(3, "cat")


def test_two_sentences_of_a_minimal_pair_are_subtracted():
    rotten, full = hand_set(), hand_set()
    full[IT, CAT], full[IT, FULL] = 0.08, 0.71
    first = AttentionExplorer(rotten, [*SENTENCE[:-1], "rotten"], token="it", hidden=["The"])
    pair = first.compare(AttentionExplorer(full, SENTENCE, token="it", to="cat"))
    assert (pair.part, pair.rows[pair.token], pair.columns[pair.to], pair.hidden) == ("difference", "it", "cat", [0])
    pair.hidden = []
    picture = pair.picture()
    assert picture.alt == (
        "difference · The only head. Second minus first. First: The cat did not want to eat because it was rotten. "
        "Second: The cat did not want to eat because it was full. Chosen: it attends more to rotten / full +0.63, less to cat −0.63. "
        "The other 10 rows change by less than 0.05."
    )
    shown = texts(picture)
    assert {"+0.63", "−0.63", "rotten / full"} <= set(shown)
    assert any("Blue: the second attends more; orange: less." in text and "First: The cat" in text for text in shown)
    pair.token = FULL
    pair.part = "first"
    assert pair.describe().startswith("first · The only head. Chosen: rotten attends to rotten 1.00.")
    assert pair.row("it")["cat"] == pytest.approx(0.71)


def test_of_sentences_of_other_lengths_the_words_that_both_have_are_subtracted():
    pair = attention_pair(together=["dog", "was"])
    assert pair.rows == "the₁ cat was the₂ dog".split() and pair.together == [2, 4]
    assert np.allclose(pair.attentions[:, :, 4, 0], pair.parts["second"].weights[:, :, 6, 0] - pair.parts["first"].weights[:, :, 4, 0])
    assert "Of the second, not paired and so not compared: followed by." in pair.describe()
    pair.part = "second"
    assert pair.together == [2, 6]
    with pytest.raises(ValueError, match="no word in common"):
        AttentionExplorer(torch.eye(3), "the cat slept".split()).compare(AttentionExplorer(torch.eye(2), ["le", "chat"]))
    with pytest.raises(ValueError, match="2 × 2 heads, the second 1 × 2, .*compare the same heads of one model"):
        AttentionExplorer(attention(2, 2, 3, 3), list("abc")).compare(AttentionExplorer(attention(1, 2, 3, 3), list("abc")))


def test_only_explorers_of_one_sentence_each_are_compared():
    pair = attention_pair()
    with pytest.raises(ValueError, match="already compares two sentences; compare explorers of one sentence each"):
        pair.compare(pair)
    with pytest.raises(TypeError, match="compare takes another AttentionExplorer, not ndarray"):
        pair.compare(pair.attentions)


def test_heads_are_ranked_by_what_changes_most():
    pair = attention_pair()
    changes = np.abs(pair.attentions)
    assert pair.measures()[1, 0] == pytest.approx({"largest change": changes[1, 0].max(), "mean change": changes[1, 0].mean()})


def test_parts_of_two_models_with_several_parts_are_compared_each():
    def made(seed: int) -> AttentionExplorer:
        parts = {"encoder": attention_parts(attention(1, 2, 3, 3, seed=seed), list("abc"))["attention"],
                 "cross": attention_parts(attention(1, 2, 2, 3, seed=seed), list("xy"), list("abc"))["attention"]}
        return AttentionExplorer(parts, part="cross")

    pair = made(0).compare(made(1))
    assert list(pair.parts) == [f"{part} {side}" for part in ("encoder", "cross") for side in ("first", "second", "difference")]
    assert (pair.part, pair.attentions.shape) == ("cross difference", (1, 2, 2, 3))


def test_scores_are_drawn_in_the_signed_map_where_they_are_asked_for():
    explorer = AttentionExplorer(scores(5), SENTENCE[:5], kind="scores", token="want", mask=None)
    part = explorer.parts["attention"]
    assert (part.allowed[0] == np.tri(5, dtype=bool)).all()
    assert explorer.vmax >= np.abs(part.weights).max() > 0.8 * explorer.vmax
    norm = explorer.picture().figure.axes[0].collections[0].norm
    assert (norm.vmin, norm.vmax) == (-explorer.vmax, explorer.vmax)
    assert "attends" not in explorer.describe() and "want: highest scores" in explorer.describe()
    values = scores(5)[0, 0, 1]
    assert f"cat: highest scores The −{-values[0]:.2f}; lowest cat −{-values[1]:.2f}." in explorer.describe() and "cat did" not in explorer.describe()
    seen = np.frombuffer(explorer.data[0]["weights"], "<f4").reshape(5, 5)
    assert np.isnan(seen[0, 1]) and np.abs(seen - part.weights[0, 0])[part.allowed[0]].max() < 0.01
    low = torch.zeros(3, 3).masked_fill(torch.ones(3, 3).triu(1).bool(), torch.finfo(torch.float32).min)
    assert (AttentionExplorer(low, list("abc"), kind="scores").parts["attention"].allowed[0] == np.tri(3, dtype=bool)).all()
    changed = AttentionExplorer(torch.eye(2), list("ab"), kind="scores").compare(AttentionExplorer(3 * torch.eye(2), list("ab"), kind="scores"))
    assert "a: highest values a 2.00; lowest b 0.00" in changed.describe()


@pytest.mark.parametrize(("given", "kind", "sentence"), [
    (torch.full((2, 2), torch.nan), "scores", "Layer 0, head 0, the row of 'a' holds NaN: finite numbers can be drawn"),
    (torch.tensor([[[0.0, 1], [1, -torch.inf]], [[0, 0], [0, 0]]]), "signed", "the row of 'b' holds an infinite number"),
    (torch.eye(2), "logits", "kind is 'logits'; the numbers are \"weights\", \"scores\" or \"signed\" values"),
])
def test_scores_that_cannot_be_drawn_are_refused(given, kind, sentence):
    with pytest.raises(ValueError, match=sentence):
        AttentionExplorer(given, ["a", "b"], kind=kind)


def test_why_a_weight_is_what_it_is_has_the_numbers_of_notebook_2():
    explorer = by_hand()
    assert explorer.why("it", "cat").alt == (
        "Why it attends to cat with 0.71: the query of it, the key of cat and their product in 4 channels. Largest product: 7 (animal). "
        "The products add up to 7; divided by √4, the score is 3.50. The softmax over 11 scores from 0 to 3.50 gives 0.71."
    )
    why = explorer.data[0]["why"]
    assert (why["channels"], why["scale"], why["numbers"]) == (["animal", "pronoun", "eating", "other"], [0.5], None)


def test_queries_and_keys_are_caught_from_the_model_and_sent_when_they_are_looked_at(monkeypatch):
    x = torch.randn(1, 2, 4, 3, generator=torch.Generator().manual_seed(0))
    explorer = AttentionExplorer.of(Biased().eval(), x, tokens=SENTENCE[:4], head=1, channels=["a", "b", "c"])
    said = explorer.why("not", "cat").alt
    score = (x[0, 1, 3] * x[0, 1, 1]).sum().item() * 0.25 - 4
    assert f"times 0.25, with −4 added, the score is {score:.2f}".replace("-", "−") in said
    assert "The softmax over 4 scores" in said and f"gives {explorer.row('not')['cat']:.5f}." in said
    assert explorer.why("cat", "not").alt.endswith("But this key is masked: its score becomes −∞ and its weight 0.")
    answers = []
    monkeypatch.setattr(explorer, "send", lambda content, buffers: answers.append(np.frombuffer(buffers[0], "<f4")))
    explorer._answer(explorer, {"ask": "why", "part": "attention", "layer": 0, "head": 1, "from": 2}, [])
    assert answers[0] == pytest.approx([*x[0, 1, 2].tolist(), *x[0, 1].flatten().tolist(), -4, -2, 0, 0])
    files = []
    monkeypatch.setattr(explorer, "send", lambda content, buffers: files.append((content["what"], content["ending"], buffers[0][:4])))
    explorer._answer(explorer, {"ask": "explanation", "from": 2, "to": 1}, [])
    assert files == [("why", "pdf", b"%PDF")]
    explorer.combine = "layer"
    with pytest.raises(ValueError, match="combine is 'layer'; queries and keys belong to one head"):
        explorer.why("cat", "The")
    with pytest.raises(ValueError, match="The queries and keys of these weights are not known; AttentionExplorer.of sees"):
        AttentionExplorer(hand_set(), SENTENCE).why("it", "cat")


def test_several_words_are_chosen_together_by_word_or_by_position():
    weights = attention(1, 1, 11, 11)
    explorer = AttentionExplorer(weights, SENTENCE, together=["it", 1])
    mean = weights[0, 0, [CAT, IT]].mean(0)
    said = f"cat and it, on average, attend to {read_row(mean, SENTENCE, 0).removeprefix('The attends to ')}"
    assert f"Chosen: {said}." in explorer.describe()
    assert explorer.picture().caption == f"The only head: {said}"
    assert repr(explorer).endswith("'cat' and 'it' chosen)")
    explorer.together = range(11)
    assert "The, cat, did and 8 more, on average, attend to" in explorer.describe()
    with pytest.raises(TraitError, match="together is 11, but there are 11 positions"):
        explorer.together = [11]
    assert AttentionExplorer(weights, SENTENCE, together="it").together == [IT]


def test_the_mean_of_words_leaves_out_masked_ones():
    explorer = AttentionExplorer(causal(4), list("abcd"), mask=[1, 1, 1, 0], together=["a", "d"])
    assert "Chosen: a and d, on average, attend to a 1.00." in explorer.describe()
    explorer.together = ["d"]
    assert "Chosen: d is masked." in explorer.describe()


def test_the_numbers_come_out():
    explorer = AttentionExplorer(causal(6), SENTENCE[:6], mask=[1, 1, 1, 1, 1, 0], layers=[4], heads=[7], hidden=["The"])
    row = explorer.row("cat")
    assert row == {"cat": 1.0}
    with pytest.raises(ValueError, match="'The' is hidden"):
        explorer.row("The")
    frame = explorer.to_dataframe()
    assert frame.loc["cat", "cat"] == 1 and frame.isna().loc["cat", "did"] and list(frame.columns) == SENTENCE[1:6]
    assert list(explorer.measures()) == [(4, 7)] and explorer.measures()[4, 7]["previous token"] > 0
    assert explorer.attentions.shape == (1, 1, 6, 6)


def test_words_of_any_kind_have_labels_and_ids_are_numbers():
    words = ["", "a\nb", " قطة", "猫", "😀"]
    explorer = AttentionExplorer(torch.eye(5), words, token=0)
    assert "Chosen: (empty) attends to (empty) 1.00. " in explorer.describe()
    assert "a⏎b attends to a⏎b 1.00. ␣قطة attends to ␣قطة 1.00. 猫 attends to 猫 1.00." in explorer.describe()
    assert explorer.picture().png()
    assert "(empty)₂ attends to (empty)₂ 1.00" in AttentionExplorer(torch.eye(2), ["", ""]).describe()
    assert AttentionExplorer(torch.eye(3), torch.tensor([5, 6, 7])).rows == ["5", "6", "7"]


def test_all_heads_of_a_model_are_one_figure(tmp_path):
    weights = attention(2, 3, 40, 40)
    weights[1, 2, 5] = torch.eye(40)[7]
    picture = AttentionExplorer(weights, [f"w{k}" for k in range(40)], first=1, model="tiny").all_heads()
    axes = picture.figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["layer 1", "layer 2"]
    assert len(axes.collections) == 6 and axes.collections[5].get_array().max() == 1
    assert "The largest numbers, where there is a choice, are in layer 2, head 3 (1.00); " in picture.alt
    picture.save(tmp_path / "heads.pdf")
    assert b"/Subtype /Image" not in (tmp_path / "heads.pdf").read_bytes()


def test_of_a_long_text_the_chosen_row_is_labelled_and_its_cells_are_seen():
    explorer = AttentionExplorer(attention(1, 1, 120, 120), [f"w{k}" for k in range(120)], token=61)
    axes = explorer.picture().figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels() if label.get_weight() == "bold"] == ["w61"]
    [mark] = axes.get_lines()
    assert mark.get_ydata().tolist() == [61] and not axes.patches


def test_every_weight_of_a_figure_has_two_decimals():
    shown = texts(AttentionExplorer(torch.tensor([[1.0, 0.0], [0.9996, 0.0004]]), ["a", "b"]).picture())
    assert shown.count("1.00") == 2


def test_without_pandas_a_sentence_says_what_else_there_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_dataframe.. needs pandas.*row.word. gives a row"):
        AttentionExplorer(hand_set(), SENTENCE).to_dataframe()


def test_what_is_set_is_given_by_word_or_by_position_from_either_end():
    explorer = AttentionExplorer(attention(2, 3, 11, 11), SENTENCE, layer=-1, token=-1, scale="sqrt", vmax=1)
    assert (explorer.layer, explorer.token, explorer.word) == (1, 10, "full")
    explorer.token, explorer.hidden, explorer.to = "it", ["cat", -1], "eat"
    assert (explorer.token, explorer.word, explorer.hidden, explorer.to) == (IT, "it", [CAT, FULL], 6)
    explorer.token = None
    assert explorer.word is None


def test_a_word_hides_all_of_its_occurrences():
    assert AttentionExplorer(attention(3, 3), ["[SEP]", "cat", "[SEP]"], hidden=["[SEP]"]).hidden == [0, 2]
    assert AttentionExplorer(attention(3, 3), ["[SEP]", "cat", "[SEP]"], hidden="cat").hidden == [1]


def test_explorers_of_other_lengths_are_linked_by_word():
    first = AttentionExplorer(attention(11, 11), SENTENCE)
    second = AttentionExplorer(attention(4, 4), "it was the cat".split())
    link((first, "word"), (second, "word"))
    first.token = "cat"
    assert second.token == 3
    first.token = "eat"
    assert (second.token, second.word) == (None, "eat")
    second.token = 0
    assert first.token == IT


def test_another_part_keeps_the_words_that_it_has():
    parts = {
        "encoder": attention_parts(attention(2, 3, 4, 4), ["[CLS]", "the", "cat", "[SEP]"])["attention"],
        "decoder": attention_parts(attention(1, 2, 3, 3), ["le", "cat", "[SEP]"])["attention"],
    }
    explorer = AttentionExplorer(parts, layer=1, head=2, token="cat", hidden=["[CLS]", "[SEP]"], model="tiny")
    explorer.part = "decoder"
    assert (explorer.layer, explorer.head, explorer.rows[explorer.token], explorer.hidden) == (0, 1, "cat", [2])
    assert explorer.describe().startswith("tiny · decoder · Layer 0, head 1 (1 × 2 heads, counted from 0).")
    explorer.part = "encoder"
    assert (explorer.token, explorer.hidden) == (2, [3])


def test_layers_and_heads_are_counted_as_the_reader_counts_and_keep_their_numbers():
    weights = attention(2, 3, 11, 11)
    assert head_name(AttentionExplorer(weights, SENTENCE, layer=1)) == "Layer 1, head 0"
    assert head_name(AttentionExplorer(weights, SENTENCE, layer=1, first=1)) == "Layer 2, head 1"
    assert head_name(AttentionExplorer(weights, SENTENCE, layers=[0, 5], layer=1)) == "Layer 5, head 0"


def test_masked_cells_are_gray_and_never_attended_to():
    explorer = AttentionExplorer(causal(6), SENTENCE[:6], mask=[1, 1, 1, 1, 1, 0], token=5)
    said = explorer.describe()
    assert "Chosen: to is masked." in said and said.endswith("Masked: to.")
    assert "to 0.00" not in said
    drawn = explorer.picture().figure.axes[0].collections[0].get_array()
    assert (drawn.mask.reshape(6, 6) == ~explorer.parts["attention"].allowed[0]).all()
    assert any("Grey: masked." in text for text in texts(explorer.picture()))


def test_the_picture_has_the_colours_that_the_scale_gives():
    explorer = AttentionExplorer(attention(2, 3, 11, 11), SENTENCE, vmax=0.4)
    cells = explorer.picture().figure.axes[0].collections[0]
    assert (cells.norm.vmin, cells.norm.vmax) == (0, 0.4)
    explorer.scale, explorer.vmax = "sqrt", "head"
    norm = explorer.picture().figure.axes[0].collections[0].norm
    assert norm.vmax == top_of("head", explorer.attentions[0, 0]) and norm(norm.vmax / 4) == pytest.approx(0.5)


def test_a_layer_that_is_not_there_is_refused_at_the_start():
    with pytest.raises(TraitError, match="layer is 1, but there is 1 layer, counted from 0 to 0"):
        AttentionExplorer(hand_set(), SENTENCE, layer=1)


def test_an_argument_that_it_does_not_have_is_refused_with_those_that_it_has():
    with pytest.raises(TypeError, match="AttentionExplorer has no argument 'layr'; it has attentions, .*, layer, layers, .*, vmax.$"):
        AttentionExplorer(hand_set(), SENTENCE, layr=1)


def test_a_word_that_is_not_there_is_refused_at_the_start():
    with pytest.raises(ValueError, match="'dog' is not among the tokens"):
        AttentionExplorer(hand_set(), SENTENCE, token="dog")


class Named(nn.Module):
    """Attention among the inputs, whose strength an argument of the forward pass scales."""

    def forward(self, x, strength):
        return (x @ x.mT * strength).softmax(-1) @ x


def test_a_model_is_run_and_its_arguments_are_told_from_the_explorers():
    x = torch.randn(1, 3, 3, 4, generator=torch.Generator().manual_seed(0))  # (B, H, T, head_size)
    explorer = AttentionExplorer.of(Named().eval(), x, strength=0.5, tokens=["the", "cat", "sat"], heads=[2, 0], head=1, token="cat", first=1)
    assert np.allclose(explorer.attentions[0, 1], (x @ x.mT * 0.5).softmax(-1)[0, 0], atol=1e-6)
    assert explorer.describe().startswith("Named · Layer 1, head 1 (")
    assert explorer.rows[explorer.token] == "cat"
    assert AttentionExplorer.of(Named().eval(), x, strength=2, tokens=["the", "cat", "sat"], model="mine").model == "mine"


def test_a_word_that_occurs_twice_is_refused_everywhere_with_its_numbers():
    explorer = AttentionExplorer.of(nn.functional.scaled_dot_product_attention, *torch.randn(3, 1, 1, 3, 4), tokens=["the", "cat", "the"])
    for ask in (explorer.row, lambda word: explorer.why(word, "cat"), lambda word: explorer.why("cat", word), lambda word: explorer.rollout_shares("cat", word)):
        with pytest.raises(ValueError, match="the₁"):
            ask("the")
        assert ask("the₂")


def test_sentences_without_a_common_word_are_not_compared_and_a_difference_has_no_queries():
    one, two = (AttentionExplorer(attention(2, 2, 2, 2), words) for words in (["le", "chat"], ["a", "dog"]))
    with pytest.raises(ValueError, match="The two sentences have no word in common"):
        one.compare(two)
    with pytest.raises(ValueError, match="A difference of two sentences has no queries and keys of its own"):
        attention_pair(part="difference").why("it", "cat")
