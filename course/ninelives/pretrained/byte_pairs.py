"""The tokenizer of SmolLM2: byte-level BPE, from the lists in the model's own file."""

from collections.abc import Iterable

import torch
from jinja2 import Template  # PyTorch needs it as well

CONTROL = 3  # GGUF's type of a token that no text contains, such as <|im_end|>


class BytePairTokenizer:
    """Text in pieces that were merged from bytes, the most frequent pairs first, so that no text is unknown.

    Each digit is a piece of its own. Source: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword
    Units", on bytes as in GPT-2 (Radford et al. 2019).

    Args:
        tokens: the V pieces, with bytes written as GPT-2 writes them ("Ġcat" is " cat").
        merges: the pairs of pieces that are merged, "Ġ t", in the order in which they were learned.
        types: the kind of each token; `CONTROL` ones are signs between texts, not text.
        end_token: the id that ends an answer.
        chat_template: how a conversation is written as one text, in Jinja.

    Attributes:
        words: list of str, the text of each id; "�" stands for bytes that are only a part of a character.
        vocab_size, end_token: as in `ninelives.text.Tokenizer`.
    """

    def __init__(self, tokens: list[str], merges: list[str], types: list[int], end_token: int, chat_template: str) -> None:
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

        pairs = [tuple(pair.split(" ")) for pair in merges]
        self.pieces = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=pairs))
        self.pieces.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
        self.pieces.decoder = decoders.ByteLevel()
        self.pieces.add_special_tokens([
            AddedToken(token, normalized=False, special=True) for token, kind in zip(tokens, types) if kind == CONTROL])
        self.words = self.pieces.decode_batch([[i] for i in range(len(tokens))], skip_special_tokens=False)
        self.vocab_size, self.end_token, self.chat_template = len(tokens), end_token, chat_template

    def encode(self, text: str) -> torch.Tensor:
        """Text to ids, (T,) int64. `<|im_end|>` and other signs in it become the ids of these signs."""
        return torch.tensor(self.pieces.encode(text).ids, dtype=torch.int64)  # (T,)

    def decode(self, ids: torch.Tensor | Iterable[int]) -> str:
        """Ids (T,) to text, up to the first end token or -1."""
        ids = ids.tolist() if isinstance(ids, torch.Tensor) else list(ids)
        end = next((k for k, i in enumerate(ids) if i in (self.end_token, -1)), len(ids))
        return self.pieces.decode(ids[:end], skip_special_tokens=False)

    def cut(self, text: str) -> list[str]:
        """Text to pieces, for labels."""
        return [self.words[i] for i in self.encode(text).tolist()]

    def chat(self, *turns: str) -> str:
        """A conversation as one text, up to where the model has to answer: a question, its answer, the next question, …"""
        messages = [{"role": ("user", "assistant")[k % 2], "content": turn} for k, turn in enumerate(turns)]
        return Template(self.chat_template).render(messages=messages, add_generation_prompt=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.vocab_size} pieces>"
