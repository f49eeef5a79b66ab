"""What notebooks 7 and 8 say about the translator: other weights may need other words there."""

import pytest
import torch

from ninelives import weights
from ninelives.model import answer_attentions, prefix_generation, stream
from ninelives.text import sentences

CAT = "the cat did not want to eat because it was full"
FRENCH = "le chat ne voulait pas manger parce qu'il était rassasié"


@pytest.fixture(scope="module")
def translator():
    return weights.load("translator")


def hidden_states(translator, english):
    model, tokenizer = translator
    with torch.no_grad():
        return model.encoder(tokenizer.encode(english)[None], return_hidden=True)


def written(translator, hidden_cache):
    model, tokenizer = translator
    page = torch.empty(1, 0, dtype=torch.int64)
    tokens = stream(model.decoder, page, 24, 0, hidden_cache=hidden_cache, end_token=tokenizer.end_token)
    return tokenizer.decode(torch.stack(list(tokens), dim=1)[0])


@pytest.mark.parametrize(("row", "says"), [
    (1, FRENCH),
    (0, FRENCH.replace("le chat", "la vache")),
    (8, FRENCH.replace("il était rassasié", "elle était rassasiée")),
], ids=["cat", "the", "it"])
def test_the_row_of_the_gives_the_animal_and_that_of_it_the_pronoun(translator, row, says):
    mixed = hidden_states(translator, CAT).clone()
    mixed[:, row] = hidden_states(translator, CAT.replace("cat", "cow"))[:, row]
    assert written(translator, mixed) == says


def test_the_pronoun_attends_to_it_and_the_animal_to_the_word_before_its_name(translator):
    model, tokenizer = translator
    prefix = tokenizer.encode(CAT)[None]
    answer = prefix_generation(model, prefix, 24, 0, end_token=tokenizer.end_token)
    heads = torch.cat(answer_attentions(model, prefix, answer))[0]  # (H, T + 1, P + T), those of layer 1
    french, english = [tokenizer.words[i] for i in answer[0].tolist()], CAT.split()
    for head, word, looked_at in ((0, "il", "it"), (0, "le", "the"), (0, "chat", "the"), (3, "chat", "the")):
        row = heads[head, french.index(word)]
        assert row.argmax() == english.index(looked_at) and row.max() > 0.5


def test_changing_one_word_changes_the_words_that_depend_on_it(translator):
    def translate(english):
        return written(translator, hidden_states(translator, english))

    assert translate(CAT) == FRENCH
    assert translate(CAT.replace("full", "sick")) == FRENCH.replace("rassasié", "malade")


def test_unseen_sentences_are_translated_correctly(translator):
    model, tokenizer = translator
    for sentence in sentences("held out", 10, seed=8):
        assert written(translator, hidden_states(translator, sentence.english)) == sentence.french
