"""One sentence translated, with what the widget shows of it."""

from collections.abc import Callable

import torch
from torch import nn

from ninelives.figures import is_the_packages, number_repeats, whose
from ninelives.model import answer_attentions, prefix_generation
from ninelives.model.inspection import in_eval_mode
from ninelives.widgets import yours

NAME, THE_PACKAGES = "prefix_generation", "the package's"
MOST_NEW = 32  # words of a translation
LIKELY = 3  # candidates shown for each word
NOTHING = {"english": [], "french": [], "translation": "", "weights": [], "likely": [], "whose": ""}


@torch.no_grad()
def translated(model: nn.Module, tokenizer, text: str, generate: Callable | None) -> dict:
    """The traits english, french, translation, weights, likely and whose.

    Raises ValueError for an empty text and for words that the tokenizer does not know.
    """
    if not text.strip():
        raise ValueError("There is no sentence: type one.")
    device = next(model.parameters()).device
    prefix = tokenizer.encode(text).unsqueeze(0).to(device)  # (1, P)
    # The model says so if the sentence is too long; asked first, so that a learner's function cannot hide it.
    model.encoder(prefix, return_hidden=True)
    answer, said = answer_and_whose(model, prefix, tokenizer.end_token, generate)  # (1, T)
    P, T = prefix.shape[1], answer.shape[1]
    with in_eval_mode(model):
        logits = model(prefix, answer)[0][0, P - 1 : P - 1 + T]  # (T, V)
    best = logits.softmax(-1).topk(min(LIKELY, logits.shape[-1]))
    weights = torch.cat(answer_attentions(model, prefix, answer))[:, :, :T]  # (L, H, T, P + T)
    words = tokenizer.words
    model_of = whose(model)
    return {
        "english": number_repeats([words[i] for i in prefix[0].tolist()]),
        "french": [words[i] for i in answer[0].tolist()],
        "translation": tokenizer.decode(answer[0]),
        "weights": [[[[round(w, 4) for w in row] for row in head] for head in layer] for layer in weights.tolist()],
        "likely": [
            [[words[i], round(p, 4)] for i, p in zip(*row, strict=True)]
            for row in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ],
        "whose": f"{model_of[0].upper()}{model_of[1:]} translates.{said}",
    }


def whose_on_page(model: nn.Module, generate: Callable | None) -> str:
    """`whose` of a translation that a page without Python computes itself."""
    own = generate is not None and not is_the_packages(generate)
    return f"This page computes what {whose(model)} translates, with weights rounded to float16." + (f" Your {NAME} is called in a notebook alone." if own else "")


def answer_and_whose(
    model: nn.Module, prefix: torch.Tensor, end_token: int, generate: Callable | None
) -> tuple[torch.Tensor, str]:
    """The answer (1, T), the learner's if it can be shown, and a sentence about their function, or none without one."""
    most = min(MOST_NEW, model.decoder.config.block_size)
    packages = without_padding(prefix_generation(model, prefix, most, 0, end_token=end_token))
    if generate is None:
        return packages, ""
    if is_the_packages(generate):
        return packages, f" {yours.stands_in(NAME)}"
    try:
        answer = without_padding(generate(model, prefix, most, 0, end_token=end_token))
        if answer.min() < 0 or answer.max() >= model.decoder.config.vocab_size:
            raise yours.CannotBeShown("gives numbers that are no ids.")
    # Whatever a learner's function raises, the lab goes on and says so.
    except Exception as error:
        return packages, f" {yours.stands_in(NAME, yours.why_not(error))}"
    if torch.equal(answer, packages):
        return answer, f" {yours.agrees(NAME, THE_PACKAGES)}"
    both = min(answer.shape[1], packages.shape[1])
    differ = (answer[0, :both] != packages[0, :both]).nonzero()
    word = int(differ[0]) + 1 if len(differ) else both + 1
    return answer, f" {yours.differs(NAME, THE_PACKAGES, f'from word {word} on')}"


def without_padding(answer: torch.Tensor) -> torch.Tensor:
    """(1, new) as (1, T), without the -1 at its end. Raises CannotBeShown for anything else than whole numbers (1, new)."""
    if not isinstance(answer, torch.Tensor) or answer.dim() != 2 or len(answer) != 1 or answer.is_floating_point():
        seen = f"{answer.dtype} of shape {tuple(answer.shape)}" if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise yours.CannotBeShown(f"gives {seen}, where whole numbers of shape (1, new) are expected.")
    answer = answer[:, : int((answer[0] != -1).sum())]  # (1, T)
    if not answer.shape[1]:
        raise yours.CannotBeShown("gives no word at all.")
    return answer
