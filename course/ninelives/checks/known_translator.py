"""Notebook 8: an encoder–decoder whose next token is known, so that a check can tell where a wrong one comes from."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.pad_after_end import PAD
from ninelives.checks.sampling import certain
from ninelives.config import TransformerConfig


class Notes(list):
    """A list that a copy of the model shares: `copy.deepcopy(model).eval()` is a right way to leave the model alone."""

    def __deepcopy__(self, memo: dict) -> "Notes":
        return self


class Half(nn.Module):
    """One half of the model; it remembers how it was used, and its parameter takes part in every result."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.one = nn.Parameter(torch.ones(()))
        self.dropout = nn.Dropout(0.5)
        self.was_training, self.had_gradient, self.fed = Notes(), Notes(), Notes()

    def want_ids(self, idx: torch.Tensor) -> None:
        """Raise what an embedding raises for ids that the vocabulary does not have."""
        F.embedding(idx.clamp(min=0), torch.zeros(self.config.vocab_size, 1))

    def note(self, idx: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
        self.fed.append(idx.clone())
        self.was_training.append(self.training or self.dropout.training)
        self.had_gradient.append(result.requires_grad)
        return result


class StubEncoder(Half):
    """Its hidden states hold the ids that it was fed, and zeros where there is padding."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.want_ids(idx)
        is_token = (idx != PAD).unsqueeze(-1)  # (B, P, 1)
        hidden = (idx.unsqueeze(-1) + 1.0) * is_token * self.one  # (B, P, 1)
        hidden = self.note(idx, hidden.expand(-1, -1, self.config.n_embd))  # (B, P, C)
        if return_hidden:
            return hidden
        return hidden[..., :1].expand(-1, -1, self.config.vocab_size), None


class StubDecoder(Half):
    """`next_logits` is a function from what it was given, cached (B, P) and idx (B, T), to (B, P + T, V)."""

    def __init__(self, config: TransformerConfig, next_logits: Callable) -> None:
        super().__init__(config)
        self.next_logits = next_logits

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.want_ids(idx)
        if hidden_cache is None:
            if idx.shape[1] == 0:
                raise ValueError("a decoder without hidden_cache was given no token at all")
            cached = idx[:, :0]
        else:
            if isinstance(hidden_cache, tuple):
                raise ValueError("hidden_cache is a tuple")
            if hidden_cache.dim() != 3 or hidden_cache.shape[2] != self.config.n_embd:
                raise ValueError(f"hidden_cache is of shape {tuple(hidden_cache.shape)}")
            if len(hidden_cache) != len(idx):
                raise ValueError(f"idx has {len(idx)} rows and hidden_cache has {len(hidden_cache)}")
            cached = hidden_cache[..., 0].round().long() - 1  # (B, P)
            # Move padding to the front, as the course's decoder does: the last cached row must belong to a token.
            cached = cached.gather(1, (cached != PAD).to(torch.uint8).argsort(dim=1, stable=True))
        logits = self.next_logits(cached, idx) * self.one  # (B, P + T, V)
        return self.note(idx, logits), None


class Stub(nn.Module):
    """An encoder-decoder whose next token is known."""

    def __init__(self, next_logits: Callable, V: int) -> None:
        super().__init__()
        config = TransformerConfig(vocab_size=V, block_size=64, n_embd=8, n_head=2, n_layer=1)
        self.encoder, self.decoder = StubEncoder(config), StubDecoder(config, next_logits)
        self.called = Notes()

    def forward(self, prefix, targets):
        self.called.append(targets.shape[1])
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))

    def halves(self) -> tuple[Half, Half]:
        return self.encoder, self.decoder


def said(cached: torch.Tensor, idx: torch.Tensor, V: int) -> torch.Tensor:
    """(B, P + T): what the reader says after each token. It depends on all before it, encoded or written."""
    text = torch.cat((torch.where(cached == PAD, PAD, 2 * cached + 5), idx), dim=1)  # (B, P + T)
    position = (text != PAD).cumsum(1)
    return ((position * (text + 1)).cumsum(1) + 3 * position) % V


def reader(V: int) -> Stub:
    """A model whose next token is certain."""
    return Stub(lambda cached, idx: certain(said(cached, idx, V), V), V)


def continued(prefix: torch.Tensor, new: int, V: int) -> torch.Tensor:
    """(B, new): the answer that a right `prefix_generation` writes with the reader."""
    answer = prefix[:, :0]
    for _ in range(new):
        answer = torch.cat((answer, said(prefix, answer, V)[:, -1:]), dim=1)
    return answer


def ending(V: int, end: int) -> Stub:
    """A model whose answer has as many words as the first id of the prefix says, then ends, twice, and then would go on."""
    def next_logits(cached, idx):
        B, P = cached.shape
        word = said(cached, idx, V)  # (B, P + T)
        word = torch.where(word == end, (end + 1) % V, word)
        written = torch.cat((torch.zeros_like(cached), (idx != PAD).cumsum(1)), dim=1)  # (B, P + T)
        length = cached.gather(1, (cached != PAD).int().argmax(1, keepdim=True))  # (B, 1)
        at_end = ((written == length) | (written == length + 1)) & (torch.arange(P + idx.shape[1]) >= P - 1)
        return certain(torch.where(at_end, end, word), V)

    return Stub(next_logits, V)
