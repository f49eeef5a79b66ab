import json
import re

import numpy as np
import pytest
import torch
from traitlets import TraitError

from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder, answer_attentions, prefix_generation
from ninelives.text import WordTokenizer
from ninelives.widgets import TranslationLab
from ninelives.widgets.translation_lab.picture import weights_shown

TOKENIZER = WordTokenizer(["the", "cat", "was", "full", "le", "chat", "était", "rassasié"])
ONE_BY_ONE = dict(zip("the cat was full".split(), "le chat était rassasié".split(), strict=True))
SENTENCE = "the cat was full"


def model(seed: int = 0) -> EncoderDecoder:
    torch.manual_seed(seed)
    config = TransformerConfig(TOKENIZER.vocab_size, 8, n_embd=12, n_head=3, n_layer=2, dropout=0.5)
    made = EncoderDecoder(config, config).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.6)
    return made


def one_by_one(model, prefix, max_new_tokens, temperature, end_token):
    """Each word by its dictionary entry, then the end."""
    words = [TOKENIZER.ids[ONE_BY_ONE[TOKENIZER.words[i]]] for i in prefix[0].tolist()]
    return torch.tensor([[*words, end_token]])


def lab(text: str = SENTENCE, **settings) -> TranslationLab:
    return TranslationLab(model(), TOKENIZER, text, **{"generate": one_by_one, **settings})


def test_a_sentence_is_translated_and_whole_at_first():
    shown = lab()
    assert shown.translation == "le chat était rassasié"
    assert shown.english == SENTENCE.split()
    assert shown.french == ["le", "chat", "était", "rassasié", "<end>"]
    assert (shown.step, shown.answered, shown.error) == (5, SENTENCE, "")


def test_the_browser_shows_the_weights_that_python_does(same_in_javascript):
    labs = [lab("the cat"), lab("the cat"), lab("the cat")]
    labs[1].step, labs[2].step, labs[2].view = 1, 2, 4
    same_in_javascript("translation_lab", [(made, {"row": [f"{w:.3f}" for w in weights_shown(made)[made.step - 1]]}) for made in labs])


def test_another_text_is_translated_as_soon_as_it_is_set():
    shown = lab()
    shown.text = "The cat."
    assert (shown.translation, shown.english, shown.step, shown.answered) == ("le chat", ["the", "cat"], 3, "The cat.")


def test_the_learners_function_is_asked_greedily_and_with_the_end_token():
    asked = []

    def theirs(model, prefix, max_new_tokens, temperature, end_token=None):
        asked.append((prefix.tolist(), temperature, end_token))
        return one_by_one(model, prefix, max_new_tokens, temperature, end_token)

    lab(generate=theirs)
    assert asked == [(TOKENIZER.encode(SENTENCE)[None].tolist(), 0, TOKENIZER.end_token)]


def test_by_default_the_packages_function_translates():
    made = model()
    shown = TranslationLab(made, TOKENIZER, "the cat")
    wanted = prefix_generation(made, TOKENIZER.encode("the cat")[None], 8, 0, end_token=TOKENIZER.end_token)
    assert shown.translation == TOKENIZER.decode(wanted[0])


def test_the_weights_and_the_candidates_are_the_models():
    shown, made = lab(), model()
    prefix, answer = TOKENIZER.encode(SENTENCE)[None], one_by_one(None, TOKENIZER.encode(SENTENCE)[None], 0, 0, 0)
    wanted = torch.cat(answer_attentions(made, prefix, answer))[:, :, :5]
    assert np.allclose(shown.weights, wanted, atol=1e-4)
    with torch.no_grad():
        probabilities = made(prefix, answer)[0][0, 3:8].softmax(-1)
    for row, candidates in zip(probabilities, shown.likely, strict=True):
        best = row.topk(3)
        assert [word for word, _ in candidates] == [TOKENIZER.words[i] for i in best.indices]
        assert [p for _, p in candidates] == pytest.approx(best.values.tolist(), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("the zebra was full", "“zebra” is not among the 8 known words."),
        ("a" * 10_000, f"“{'a' * 39}…” is not among the 8 known words."),
        ("", "There is no sentence: type one"),
        ("  ", "There is no sentence: type one"),
        ("the cat was full the cat was full the", "the sequence has 9 tokens and the model reads at most block_size = 8"),
    ],
)
def test_what_cannot_be_translated_is_said_and_the_lab_goes_on(text, says):
    shown = lab(text)
    assert says in shown.error and says in shown.describe() and says in repr(shown)
    assert (shown.french, shown.step) == ([], 0)
    assert len(shown.describe()) < 200 and int.from_bytes(shown.picture().png()[16:20]) < 1000  # px wide
    shown.text = SENTENCE
    assert (shown.error, shown.translation) == ("", "le chat était rassasié")


def test_a_word_of_the_other_language_is_refused_where_the_words_of_a_sentence_are_given():
    shown = lab("the chat was full", words=["the", "cat", "was", "full"])
    assert shown.error == "“chat” is not among the 4 known words; the nearest is “cat”."
    shown.text = "The cat was full."
    assert (shown.error, shown.translation) == ("", "le chat était rassasié")
    assert lab("the chat", generate=None).error == ""


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda *_, **__: 1 / 0, "raises ZeroDivisionError: division by zero"),
        (lambda *_, **__: None, "gives NoneType, where whole numbers of shape (1, new) are expected."),
        (lambda *_, **__: torch.ones(1, 2), "gives torch.float32 of shape (1, 2), where"),
        (lambda *_, **__: torch.ones(3, dtype=torch.long), "gives torch.int64 of shape (3,), where"),
        (lambda *_, **__: torch.full((1, 3), -1), "gives no word at all."),
        (lambda *_, **__: torch.full((1, 3), 99), "gives numbers that are no ids."),
        (lambda model, prefix, new, temperature: None, "raises TypeError: "),
    ],
)
def test_where_a_learners_function_fails_the_packages_is_shown_and_the_reason_said(function, why):
    shown = lab(generate=function)
    says = "The package's EncoderDecoder translates. The package's prefix_generation is shown; yours " + why
    assert shown.whose.startswith(says) and says in shown.describe()
    assert shown.translation == lab(generate=None).translation and shown.error == ""


def test_a_function_that_is_not_written_yet_is_called_so():
    def theirs(model, prefix, max_new_tokens, temperature=1.0, end_token=None):
        raise NotImplementedError()

    assert lab(generate=theirs).whose.endswith("The package's prefix_generation is shown; yours is not written yet.")


def test_a_learners_translation_is_shown_and_compared_with_the_packages():
    made = model()
    right = prefix_generation(made, TOKENIZER.encode(SENTENCE)[None], 8, 0, end_token=TOKENIZER.end_token)
    assert TranslationLab(made, TOKENIZER, SENTENCE, lambda *_, **__: right).whose.endswith(
        "Your prefix_generation agrees with the package's.")
    other = right.clone()
    other[0, 2] = (other[0, 2] + 1) % TOKENIZER.vocab_size or 1
    shown = TranslationLab(made, TOKENIZER, SENTENCE, lambda *_, **__: other)
    assert shown.whose.endswith("Your prefix_generation differs from the package's from word 3 on.")
    assert shown.french == [TOKENIZER.words[i] for i in other[0].tolist()]
    shorter = TranslationLab(made, TOKENIZER, SENTENCE, lambda *_, **__: right[:, :2])
    assert shorter.whose.endswith("differs from the package's from word 3 on.")


def test_the_packages_function_is_never_called_yours():
    made = model()
    assert TranslationLab(made, TOKENIZER, SENTENCE).whose == "The package's EncoderDecoder translates."
    assert TranslationLab(made, TOKENIZER, SENTENCE, prefix_generation).whose == (
        "The package's EncoderDecoder translates. The package's prefix_generation is shown, not yours.")


def test_a_learners_model_is_called_yours():
    class Mine(EncoderDecoder):
        pass

    Mine.__module__ = "__main__"
    config = TransformerConfig(TOKENIZER.vocab_size, 8, n_embd=12, n_head=3, n_layer=2)
    assert TranslationLab(Mine(config, config), TOKENIZER, SENTENCE).whose == "Your Mine translates."


def test_the_model_is_left_in_the_mode_it_was_in():
    made = model()
    made.decoder.train()
    modes = [module.training for module in made.modules()]
    TranslationLab(made, TOKENIZER, SENTENCE, generate=one_by_one)
    assert [module.training for module in made.modules()] == modes


def test_describe_says_the_word_its_rivals_and_what_it_attended_to():
    shown = lab()
    shown.step, shown.view = 2, 4
    said = shown.describe()
    assert "“the cat was full” becomes “le chat était rassasié”." in said
    assert "Word 2 of 5: chat." in said
    word, p = shown.likely[1][0]
    assert f"Most likely here: {word} {p:.3f}" in said
    row = np.array(shown.weights)[1, 1, 1]
    columns = [*shown.english, *shown.french]
    best = int(row.argmax())
    assert f"Layer 2, head 2: when chat is written, its row attends to {columns[best]} {row[best]:.2f}" in said


def test_all_heads_together_are_their_mean():
    shown = lab()
    shown.step = 1
    row = np.array(shown.weights).mean((0, 1))[0]
    best = int(row.argmax())
    assert f"Mean of all heads: when le is written, its row attends to {[*shown.english, *shown.french][best]} {row[best]:.2f}" in shown.describe()


def test_the_picture_follows_the_state():
    shown = lab()
    before = shown.picture().png()
    shown.step = 2
    assert shown.picture().png() != before
    after = shown.picture().png()
    shown.view = 0
    assert shown.picture().png() != after


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("step", 6, "step is 6, but the translation has 5 words"), ("step", -1, "step is -1"),
     ("view", 6, "view is 6, but there are 6 heads, counted from 0 to 5; -1 is the mean of all"), ("view", -2, "view is -2")],
)
def test_a_choice_that_is_not_there_is_refused_with_one_sentence(name, value, says):
    with pytest.raises(TraitError, match=re.escape(says)):
        setattr(lab(), name, value)


def test_the_state_is_json_and_small():
    assert len(json.dumps(lab().get_state())) < 100_000


def test_the_repr_says_what_is_shown():
    assert repr(lab()) == (
        "TranslationLab('the cat was full' → 'le chat était rassasié'; 5 of 5 words written)"
    )
