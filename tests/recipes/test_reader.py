import pytest
import torch

from ninelives.config import TransformerConfig
from ninelives.model import Encoder
from ninelives.recipes.antecedent import antecedent_batch
from ninelives.recipes.reader import Questioned, agents, habits, neighbours, overlap
from ninelives.text import WordTokenizer
from ninelives.text.grammar import every_word, parse

TOKENIZER = WordTokenizer(every_word("english"))
SENTENCES = [parse(english) for english in (
    "the dog followed the hen because it was lost",
    "the dog was followed by the hen because it was lost",
    "the cat did not want to eat the meat because it was rotten",
    "the cat did not want to eat because it was full",
)]


def named(idx, targets):
    """(word, target) for each target of the first sentence that has one."""
    return [(TOKENIZER.words[i], TOKENIZER.words[target]) for i, target in zip(idx.tolist(), targets.tolist()) if target != -1]


def test_the_neighbours_of_a_word_are_those_beside_it():
    idx, _ = antecedent_batch(SENTENCES, TOKENIZER)
    before, after = neighbours(idx)
    words = SENTENCES[3].english.split()
    assert named(idx[3], before[3]) == list(zip(words[1:], words))
    assert named(idx[3], after[3]) == list(zip(words, words[1:]))


@pytest.mark.parametrize(("row", "verb", "noun"), [(0, "followed", "dog"), (1, "followed", "hen"), (2, "eat", "cat"), (3, "eat", "cat")])
def test_the_noun_that_acts_is_asked_for_at_the_verb(row, verb, noun):
    idx, _ = antecedent_batch(SENTENCES, TOKENIZER)
    assert named(idx[row], agents(SENTENCES, idx, TOKENIZER)[row]) == [(verb, noun)]


def attending(*positions):
    """Queries and keys of heads that each attend to one position only: (1, 3, H * 3) each."""
    keys = torch.eye(3).repeat(1, len(positions)).unsqueeze(0)
    queries = torch.cat([1e4 * torch.eye(3)[position] for position in positions]).expand(1, 3, -1)
    return queries, keys


@pytest.mark.parametrize(("positions", "wanted"), [((0, 0), 1.0), ((0, 1), 0.0), ((0, 0, 1), 1 / 3)])
def test_the_overlap_is_the_share_of_pairs_of_heads_that_attend_to_the_same_word(positions, wanted):
    is_token = torch.ones(1, 3, dtype=torch.bool)
    assert overlap(*attending(*positions), is_token, len(positions)).item() == pytest.approx(wanted)


def test_padding_counts_for_no_overlap():
    is_token = torch.tensor([[True, True, False]])
    queries, keys = torch.zeros(1, 3, 4), torch.zeros(1, 3, 4)
    assert overlap(queries, keys, is_token, 2).item() == pytest.approx(0.5)  # two uniform heads over two words


def test_the_loss_asks_every_question_and_reaches_every_weight():
    torch.manual_seed(0)
    model = Questioned(Encoder(TransformerConfig(TOKENIZER.vocab_size, 16, n_embd=8, n_head=2, n_layer=2)))
    idx, antecedents = antecedent_batch(SENTENCES, TOKENIZER)
    hidden, loss = model(idx, antecedents, *neighbours(idx), agents(SENTENCES, idx, TOKENIZER))
    loss.backward()
    assert hidden.shape == (*idx.shape, 8) and loss > 4 * 3
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


class Shifted(torch.nn.Module):
    """Attends to the word that is `offset` positions after each word; at the ends to the word itself."""

    def __init__(self, offset):
        super().__init__()
        self.offset = offset

    def attentions(self, idx):
        T = idx.shape[1]
        attended = (torch.arange(T) + self.offset).clamp(0, T - 1)
        return [torch.eye(T)[attended].expand(len(idx), 1, T, T)]


@pytest.mark.parametrize(("offset", "habit"), [(-1, "the word before"), (0, "the word itself"), (1, "the word after")])
def test_habits_tell_a_head_by_the_word_beside_which_it_looks(offset, habit):
    found = habits(Shifted(offset), TOKENIZER, SENTENCES[:1])[0]
    assert found[habit][0] == pytest.approx(1.0, abs=0.01)
    assert found["from it, the antecedent"] == [0.0]


def test_habits_tell_the_head_that_finds_the_antecedent():
    assert habits(Shifted(-5), TOKENIZER, SENTENCES[:1])[0]["from it, the antecedent"] == [1.0]  # from it back to the dog
