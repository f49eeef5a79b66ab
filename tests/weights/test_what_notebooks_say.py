"""What notebooks say about the weights that they load: other weights may need other words there."""

import pytest
import torch

from ninelives import weights
from ninelives.model import answer_attentions, prefix_generation, stream
from ninelives.text import sentences
from ninelives.text.lexicon import ANIMALS, DISHES, OF_THE_DISH, OF_THE_EATER, VERBS

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
    for head, word, looked_at in ((0, "il", "it"), (0, "le", "the"), *((head, "chat", "the") for head in range(4))):
        row = heads[head, french.index(word)]
        assert row.argmax() == english.index(looked_at) and row.max() > 0.5
    assert len(heads) == 4 and heads[:, french.index("chat"), english.index("cat")].max() < 0.05


def test_changing_one_word_changes_the_words_that_depend_on_it(translator):
    def translate(english):
        return written(translator, hidden_states(translator, english))

    assert translate(CAT) == FRENCH
    assert translate(CAT.replace("full", "sick")) == FRENCH.replace("rassasié", "malade")
    cow = translate(CAT.replace("cat", "cow"))
    changed = [one for one, other in zip(FRENCH.split(), cow.split(), strict=True) if one != other]
    assert changed == ["le", "chat", "qu'il", "rassasié"] and FRENCH.endswith(changed[-1])


def test_unseen_sentences_are_translated_correctly(translator):
    model, tokenizer = translator
    for sentence in sentences("held out", 10, seed=8):
        assert written(translator, hidden_states(translator, sentence.english)) == sentence.french


def probabilities_of(translator, english, french):
    """(T,): the probability of each word of an answer and of its end, each after the right ones."""
    model, tokenizer = translator
    prefix = tokenizer.encode(english)[None]
    answer = torch.cat([tokenizer.encode(french), torch.tensor([tokenizer.end_token])])[None]
    with torch.no_grad():
        rows = model(prefix, answer)[0][0, prefix.shape[1] - 1 : -1].softmax(-1)  # (T, V)
    return rows.gather(1, answer.T)[:, 0]


SHY = "the pig was teased by the owl because it was shy"
SHY_FRENCH = "le cochon a été taquiné par la chouette parce qu'il était timide"


def test_of_a_passive_that_was_held_back_only_the_pronoun_is_in_doubt(translator):
    probabilities = probabilities_of(translator, SHY, SHY_FRENCH)
    assert written(translator, hidden_states(translator, SHY)) == SHY_FRENCH
    assert 0.4 < probabilities[10] < 0.6 and (probabilities > 0.95).sum() == len(probabilities) - 1
    as_elle = probabilities_of(translator, SHY, SHY_FRENCH.replace("il", "elle"))
    assert 0.4 < as_elle[10] < 0.6 and probabilities[10] + as_elle[10] > 0.99
    assert probabilities.prod() > as_elle.prod() > 0.8 * probabilities.prod()


def test_of_the_active_that_was_not_held_back_the_pronoun_is_sure(translator):
    probabilities = probabilities_of(
        translator, "the owl teased the pig because it was shy", "la chouette a taquiné le cochon parce qu'il était timide")
    assert (probabilities > 0.9).all()


def test_the_turtle_is_translated_wrongly_and_the_second_best_answer_is_right(translator):
    turtle = "the turtle was chased by the parrot because it was angry"
    wrong = "la tortue a été poursuivie par le perroquet parce qu'elle était furieuse"
    right = wrong.replace("elle était furieuse", "il était furieux")
    assert written(translator, hidden_states(translator, turtle)) == wrong
    best, second = (probabilities_of(translator, turtle, french).prod() for french in (wrong, right))
    assert best > second > 1 - best - second  # more than all other answers together


def test_three_rows_end_with_their_12th_and_14th_token(translator):
    model, tokenizer = translator
    lengths = []
    for english in (CAT, "the dog was followed by the hen because it was lost",
                    "the cat did not want to eat the fish because it was rotten"):
        answer = prefix_generation(model, tokenizer.encode(english)[None], 18, 0)[0].tolist()
        lengths.append(answer.index(tokenizer.end_token) + 1)
    assert lengths == [12, 14, 14]


def test_a_prefix_that_grows_like_a_prompt_gives_no_right_translation(translator):
    model, tokenizer = translator
    for sentence in sentences("held out", 20, seed=9):
        prefix = grown = tokenizer.encode(sentence.english)[None]
        with torch.no_grad():
            for _ in range(16):
                scores, _ = model.decoder(grown[:, :0], hidden_cache=model.encoder(grown, return_hidden=True))
                grown = torch.cat((grown, scores[:, -1].argmax(-1, keepdim=True)), dim=1)
                if (grown == tokenizer.end_token).any():
                    break
        assert tokenizer.decode(grown[0, prefix.shape[1] :]) != sentence.french
        first = prefix_generation(model, prefix, 1, 0)[0, 0]
        assert grown[0, prefix.shape[1]] == first  # at the first step there is no difference yet


def nearest(table, words, word, count=5):
    unit = torch.nn.functional.normalize(table, dim=1)  # (V, C)
    return [words[i] for i in (unit @ unit[words.index(word)]).topk(count + 1).indices[1:].tolist()]


@pytest.mark.parametrize(("word", "kind"), [
    ("cat", {noun.english for noun in ANIMALS}), ("fish", {noun.english for noun in DISHES}),
    ("full", {*OF_THE_EATER, *OF_THE_DISH}), ("followed", set(VERBS)),
])
def test_in_the_storytellers_table_of_scores_words_of_a_kind_are_neighbours_and_in_its_first_table_they_are_not(word, kind):
    model, tokenizer = weights.load("storyteller")
    assert set(nearest(model.lm_head.weight.detach(), tokenizer.words, word)) <= kind
    assert not set(nearest(model.layers["embedding"].token.weight.detach(), tokenizer.words, word)) <= kind


def test_in_the_computed_position_table_the_similarity_falls_with_the_distance_down_to_about_0_6():
    position, wavelength = torch.arange(32).unsqueeze(1), 10000 ** (torch.arange(0, 64, 2) / 64)
    table = torch.stack(((position / wavelength).sin(), (position / wavelength).cos()), dim=2).flatten(1)  # (32, 64)
    unit = torch.nn.functional.normalize(table, dim=1)
    alike = [(unit @ unit.T).diagonal(distance).mean().item() for distance in range(17)]
    assert alike[1] > 0.95 and 0.59 < alike[16] == min(alike) < 0.62
    assert all(far < near + 0.01 for near, far in zip(alike, alike[1:]))  # with small waves on the way


def test_without_the_scale_most_rows_of_a_large_head_have_a_gradient_that_all_but_vanishes():
    torch.manual_seed(0)
    for size in (4, 16, 64, 256):
        queries, keys = torch.randn(200, size), torch.randn(11, size)
    slopes = [largest * (1 - largest) for largest in ((queries @ keys.T / scale).softmax(-1).amax(-1) for scale in (1, 16))]
    assert slopes[0].median() < 0.01 and (slopes[0] < 0.01).float().mean() > 0.5
    assert slopes[1].median() > 0.15 and (slopes[1] < 0.01).float().mean() == 0


def storyteller_on_the_way():
    """(n_layer + 1, T, n_embd) after the embedding and after each block, the model, and the word of every id."""
    model, tokenizer = weights.load("storyteller")
    seen = []
    for layer in (model.layers["embedding"], *model.layers["blocks"]):
        layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(output[0]))
    with torch.no_grad():
        model(tokenizer.encode(CAT.removesuffix(" full"))[None])
        return torch.stack(seen), model, list(tokenizer.words)


def test_the_storyteller_knows_the_kind_of_word_early_and_the_word_only_in_its_last_block():
    on_the_way, model, vocabulary = storyteller_on_the_way()
    with torch.no_grad():
        scores = model.lm_head(model.layers["norm"](on_the_way[:, -1]))  # (n_layer + 1, V)
    best = scores.argmax(-1).tolist()
    assert vocabulary[best[-1]] == "full"
    after_the_third = {vocabulary[word]: round(p, 2) for p, word in zip(*(part.tolist() for part in scores[-2].softmax(-1).topk(5)))}
    assert len(scores) == 5 and (after_the_third["sick"], after_the_third["full"]) == (0.12, 0.09)
    assert {vocabulary[word] for word in scores[-1].topk(2).indices.tolist()} == {"sick", "full"}
    assert {vocabulary[word] for word in best[1:-1]} <= {"sad", "shy", "tired", "curious", "hungry"}


def test_the_vectors_of_the_storyteller_grow_at_different_rates():
    on_the_way, _, _ = storyteller_on_the_way()
    growth = (on_the_way[-1].norm(dim=-1) / on_the_way[0].norm(dim=-1))[[1, 7, 9]]  # cat, because, was
    assert growth.min() > 2 and growth.max() > 2 * growth.min()


def test_two_thirds_of_a_block_are_its_mlp():
    block = weights.load("storyteller")[0].layers["blocks"][0]
    mlp, attention = (sum(p.numel() for p in part.parameters()) for part in (block.mlp, block.attention))
    assert mlp / (mlp + attention) == pytest.approx(2 / 3, abs=0.01)
