"""One sentence translated, with what the widget shows of it."""

from collections.abc import Callable

import torch
from torch import nn

from ninelives.figures import number_repeats
from ninelives.model import answer_attentions
from ninelives.model.inspection import in_eval_mode

MOST_NEW = 32  # words of a translation
LIKELY = 3  # candidates shown for each word
NOTHING = {"english": [], "french": [], "translation": "", "weights": [], "likely": []}


@torch.no_grad()
def translated(model: nn.Module, tokenizer, text: str, generate: Callable) -> dict:
    """The traits english, french, translation, weights and likely.

    Raises ValueError for an empty text, for words that the tokenizer does not know, and for an answer of `generate` that
    is not whole numbers of shape (1, new); and whatever `generate` raises.
    """
    if not text.strip():
        raise ValueError("there is no sentence: type one.")
    device = next(model.parameters()).device
    prefix = tokenizer.encode(text).unsqueeze(0).to(device)  # (1, P)
    # The model says so if the sentence is too long; asked first, so that a learner's function cannot hide it.
    model.encoder(prefix, return_hidden=True)
    most = min(MOST_NEW, model.decoder.config.block_size)
    answer = generate(model, prefix, most, 0, end_token=tokenizer.end_token)
    if not isinstance(answer, torch.Tensor) or answer.dim() != 2 or len(answer) != 1 or answer.is_floating_point():
        seen = f"{answer.dtype} of shape {tuple(answer.shape)}" if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise ValueError(f"prefix_generation gives {seen}; it must give whole numbers of shape (1, new).")
    answer = answer[:, : int((answer[0] != -1).sum())]  # (1, T)
    if not answer.shape[1]:
        raise ValueError("prefix_generation gives no word at all.")
    P, T = prefix.shape[1], answer.shape[1]
    with in_eval_mode(model):
        logits = model(prefix, answer)[0][0, P - 1 : P - 1 + T]  # (T, V)
    best = logits.softmax(-1).topk(min(LIKELY, logits.shape[-1]))
    weights = torch.cat(answer_attentions(model, prefix, answer))[:, :, :T]  # (L, H, T, P + T)
    words = tokenizer.words
    return {
        "english": number_repeats([words[i] for i in prefix[0].tolist()]),
        "french": [words[i] for i in answer[0].tolist()],
        "translation": tokenizer.decode(answer[0]),
        "weights": [[[[round(w, 4) for w in row] for row in head] for head in layer] for layer in weights.tolist()],
        "likely": [
            [[words[i], round(p, 4)] for i, p in zip(*row, strict=True)]
            for row in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ],
    }
