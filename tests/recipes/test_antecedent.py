import torch

from ninelives.config import TransformerConfig
from ninelives.model import Encoder
from ninelives.recipes.antecedent import accuracy, antecedent_batch, weight_at_it
from ninelives.text import WordTokenizer, sentences
from ninelives.text.grammar import every_word, parse

TOKENIZER = WordTokenizer(every_word("english"))
SHORT, LONG = (parse(english) for english in (
    "the cat chased the mouse because it was hungry", "the dog was followed by the hen because it was lost"))


def test_the_only_target_is_the_antecedent_at_it():
    idx, targets = antecedent_batch([SHORT, LONG], TOKENIZER)
    assert [[(position, TOKENIZER.words[target]) for position, target in enumerate(row) if target != -1]
            for row in targets.tolist()] == [[(6, "cat")], [(8, "hen")]]
    assert TOKENIZER.decode(idx[0]) == SHORT.english and (idx[0, 9:] == -1).all()


class Knowing(torch.nn.Module):
    """Answers "cat" everywhere, and attends only to the word at `position`."""

    def __init__(self, position):
        super().__init__()
        self.position = position

    def forward(self, idx):
        return torch.nn.functional.one_hot(torch.full(idx.shape, TOKENIZER.ids["cat"]), TOKENIZER.vocab_size).float(), None

    def attentions(self, idx):
        weights = torch.zeros(len(idx), 1, idx.shape[1], idx.shape[1])
        weights[..., self.position] = 1.0
        return [weights]


def test_accuracy_is_the_share_of_antecedents_that_are_named():
    assert accuracy(Knowing(1), TOKENIZER, [SHORT, LONG]) == 0.5


def test_the_weight_at_it_is_split_into_antecedent_and_other_noun():
    assert weight_at_it(Knowing(1), TOKENIZER, [SHORT, LONG]) == [{"antecedent": [0.5], "other": [0.5], "most": [0.5]}]
    assert weight_at_it(Knowing(6), TOKENIZER, [SHORT, LONG]) == [{"antecedent": [0.5], "other": [0.0], "most": [0.5]}]


def test_an_encoder_that_has_learned_nothing_is_seldom_right():
    torch.manual_seed(0)
    model = Encoder(TransformerConfig(TOKENIZER.vocab_size, 16, n_embd=8, n_head=2, n_layer=1))
    assert accuracy(model, TOKENIZER, sentences("held out", 100)) < 0.2
