"""The training loop: draw a batch, make a step, evaluate, save; and nothing is lost when it is stopped (notebook 9)."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

from ninelives.training import checkpoints
from ninelives.training.progress import ProgressLine
from ninelives.training.randomness import seeded
from ninelives.training.recipe import Recipe, Run
from ninelives.training.state import Diverged, Training
from ninelives.training.step import training_step


def train(
    model: nn.Module,
    draw_batch: Callable[[torch.Generator, int], tuple[torch.Tensor, ...]],
    recipe: Recipe,
    *,
    step: Callable = training_step,
    rate: Callable[[int], float] | None = None,
    settings: Mapping[str, str] | None = None,
    pieces: Mapping[str, str] | None = None,
    evaluate: Callable[[nn.Module], dict] | None = None,
    folder: str | Path | None = None,
    monitor: Callable[[dict], None] | None = None,
) -> Run:
    """Train a model on the device that it is on. Afterwards it is in eval mode.

    With a folder, the training is saved there every recipe.checkpoint_every
    steps and whenever it stops, also by an interrupt or an error. Called again
    with the same folder, it continues from there: on the same CPU or CUDA GPU,
    weights and history are to the bit those of a training that was never
    stopped. A finished training is read from its folder and not made again.

    The same seed gives the same numbers on the same machine. PyTorch's global
    random state is left as it was.

    Args:
        model: called as `model(*batch)`, returns (logits, loss).
        draw_batch: (generator, batch_size) to the tensors that the model is
            called with; all its randomness must come from the generator.
        recipe: how to train.
        step: makes one step, as `training_step` does: called with model, optimizer,
            batch, rate and grad_clip, it returns the loss.
        rate: the learning rate of a step, counted from 1; by default recipe.rate.
        settings: what else makes it this training and no other, such as where its
            weights began. It is kept in run.json.
        pieces: what the steps of this sitting are made with, and whose it is. Unlike
            settings they may change from one sitting to the next: run.json keeps
            from which step on they were in use (`Run.made_with`).
        evaluate: called with the model in eval mode and without gradients. The
            dict of JSON values that it returns goes into the history.
        folder: where the training is saved.
        monitor: called with each entry of the history, those of earlier
            sittings first. If it has a method `stopped(step, seconds)`, that is
            called before every step, and True ends the sitting. Without a
            monitor, a line of text shows the progress.

    Raises:
        Diverged: the loss is NaN or infinite. The weights are those before that step.
        AnotherTraining: (a ValueError) the folder holds a training with another
            model, recipe or settings. It is left as it is.
        Damaged: (a ValueError) the folder holds a damaged training. It is left as it is.
        NotSaved: (an OSError) the folder cannot be written. What it held, it still holds.

    Example::

        import random
        import torch
        from ninelives.config import TransformerConfig
        from ninelives.model import Decoder
        from ninelives.text import WordTokenizer, sentences
        from ninelives.training import Recipe, train

        texts = [sentence.english for sentence in sentences("train", 200)]
        tokenizer = WordTokenizer.of(texts)
        ids = torch.cat([torch.cat([tokenizer.encode(text), torch.tensor([tokenizer.end_token])]) for text in texts])

        def draw_batch(generator, batch_size):
            starts = torch.randint(len(ids) - 16, (batch_size,), generator=generator).tolist()
            return torch.stack([ids[i : i + 16] for i in starts]), torch.stack([ids[i + 1 : i + 17] for i in starts])

        model = Decoder(TransformerConfig(vocab_size=tokenizer.vocab_size, block_size=16, n_embd=32))
        run = train(model, draw_batch, Recipe(max_iters=20, warmup_steps=5, eval_every=10))
        run.history[-1]["loss"]
    """
    folder = None if folder is None else Path(folder)
    with seeded(recipe.seed, next(model.parameters()).device):
        training = Training(model, recipe, step, rate, settings)
        if folder is not None:
            checkpoints.restore(training, folder)
        run = training.run
        if monitor is not None:
            for entry in run.history:
                monitor(entry)
        if training.complete:
            model.eval()
            return run
        training.note(pieces or {})

        def save() -> None:
            if folder is not None:
                checkpoints.save(training, folder)

        monitor = monitor or ProgressLine(run)
        stopped = getattr(monitor, "stopped", lambda step, seconds: False)
        model.train()
        try:
            while True:
                if training.entry_is_due:
                    training.add_entry(evaluate)
                    monitor(run.history[-1])
                if run.finished or stopped(run.step, run.seconds):
                    break
                # Also before the first step: a folder that cannot be written is noticed before time is spent.
                if run.step % recipe.checkpoint_every == 0:
                    save()
                training.make_step(draw_batch)
        except (Diverged, checkpoints.NotSaved):
            raise
        except BaseException:
            training.undo_unfinished_step()
            save()
            raise
        finally:
            model.eval()
            if isinstance(monitor, ProgressLine):
                monitor.close()
        save()
    return run
