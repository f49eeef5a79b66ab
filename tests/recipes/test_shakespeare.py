import torch

from ninelives.recipes import curves
from ninelives.recipes.shakespeare import BLOCK_SIZE, RECIPE, accuracy, drawn_windows, model_of, windows
from ninelives.text.shakespeare import plays, tokenizer_of


def test_the_saved_run_has_the_recipe_and_the_sizes_in_the_code():
    run, model = curves.load("shakespeare"), model_of(tokenizer_of(plays()).vocab_size, RECIPE)
    assert run.finished and run.recipe == RECIPE
    assert run.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert run.config == {"": vars(model.config)}
    assert all({"step", "loss", "rate", "seconds", "characters right"} == set(entry) for entry in run.history)


def test_targets_are_the_next_characters_up_to_the_end_of_the_text():
    text = torch.arange(BLOCK_SIZE + 3)
    idx, targets = windows(text, torch.tensor([0, 2]))
    assert torch.equal(idx[0], text[:BLOCK_SIZE]) and torch.equal(targets, idx + 1)
    assert targets[1, -1] == text[-1]
    drawn, _ = drawn_windows(text)(torch.Generator().manual_seed(0), 50)
    assert set(drawn[:, 0].tolist()) == {0, 1, 2}


def test_right_characters_are_counted_over_all_positions():
    class AlwaysThree(torch.nn.Module):
        def forward(self, idx):
            return torch.nn.functional.one_hot(torch.full_like(idx, 3), 5).float(), None

    text = torch.arange(1000) % 5
    assert abs(accuracy(AlwaysThree(), text) - 1 / 5) < 0.01
