import torch

from ninelives import weights


def test_the_storyteller_ends_the_cats_sentence_with_a_reason_not_to_eat():
    model, tokenizer = weights.load("storyteller")
    idx = tokenizer.encode("the cat did not want to eat because it was").unsqueeze(0)
    with torch.no_grad():
        probabilities = model(idx)[0][0, -1].softmax(-1)
    assert sum(probabilities[tokenizer.ids[word]] for word in ("full", "sick")) > 0.9
