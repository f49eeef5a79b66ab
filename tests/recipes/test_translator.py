import torch

from ninelives.config import TransformerConfig
from ninelives.model import Encoder
from ninelives.recipes.translator import keep_readable, take_over
from ninelives.text import WordTokenizer


def test_an_encoder_with_more_words_gives_the_same_logits_for_the_sentences_of_the_first():
    torch.manual_seed(0)
    few, many = WordTokenizer(["cat", "dog", "it"]), WordTokenizer(["chat", "cat", "it", "chien", "dog"])
    trained, wider = (Encoder(TransformerConfig(words.vocab_size, 8, n_embd=12, n_head=3, n_layer=2, dropout=0.0)).eval()
                      for words in (few, many))
    new_row = wider.layers["embedding"].token.weight[many.ids["chat"]].clone()
    take_over(wider, many, trained, few)
    with torch.no_grad():
        before = trained(few.encode("dog it cat").unsqueeze(0))[0]
        after = wider(many.encode("dog it cat").unsqueeze(0))[0]
    assert torch.allclose(after[..., [many.ids[word] for word in few.words]], before, atol=1e-6)
    assert torch.equal(wider.layers["embedding"].token.weight[many.ids["chat"]], new_row)


def test_training_leaves_the_embeddings_and_two_layers_of_the_encoder_unchanged():
    torch.manual_seed(0)
    encoder = Encoder(TransformerConfig(5, 8, n_embd=12, n_head=3, n_layer=3))
    keep_readable(encoder)
    moves = {".".join(name.split(".")[:3]) for name, p in encoder.named_parameters() if p.requires_grad}
    assert moves == {"layers.blocks.2", "layers.norm.weight", "layers.norm.bias", "lm_head.weight"}
