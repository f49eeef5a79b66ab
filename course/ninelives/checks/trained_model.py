"""Notebook 9: how good the model in a learner's folder is.

`training.own_training` checks the recipe and the sizes that a learner chooses; `trained_model` checks what came of
them. The weights are scored as they are: nothing is trained, and no code of the learner's runs.
"""

from pathlib import Path

from ninelives.checks.exercise import CheckFailed, Exercise, counted
from ninelives.training import Run
from ninelives.training.handed_in import NoTraining, Refused
from ninelives.training.scores import NUM_SENTENCES, Score, score


class NotHandedIn(CheckFailed):
    """There is nothing to check beside the notebook. The instructor's own notebook may fail a check for this reason."""


trained_model = Exercise("trained model", another_way=False)


@trained_model.aspect("50 %")
def translates_half_of_the_sentences(folder, seed):
    want_accuracy(folder, seed, 0.5)


@trained_model.aspect("80 %")
def understands_it(folder, seed):
    want_accuracy(folder, seed, 0.8)


@trained_model.aspect("95 %")
def is_rarely_wrong(folder, seed):
    want_accuracy(folder, seed, 0.95)


@trained_model.aspect("99 %")
def is_hardly_ever_wrong(folder, seed):
    want_accuracy(folder, seed, 0.99)


@trained_model.aspect("new combinations")
def translates_verbs_and_reasons_in_new_combinations(folder, seed):
    found = score_of(folder, seed)
    if found.accuracy < 0.8:
        cause = (f"these sentences are harder than the other held-out ones, of which {100 * found.accuracy:.0f} % are right: those "
                 "come first.")
    else:
        cause = ("the passive of these verbs with these reasons is in no sentence that the model was trained on. More steps help, "
                 "and so does a model that is not much too large.")
    want(folder, found.bonus, 0.7, found, "with new combinations are right", cause)


def want_accuracy(folder: str | Path, seed: int, least: float) -> None:
    """Refuse a model that translates fewer held-out sentences."""
    found = score_of(folder, seed)
    if found.accuracy < 0.4 and least > 0.5:
        cause = "half of the sentences comes first: do what the check \"50 %\" says, and look here again after that."
    elif found.accuracy < 0.4:
        cause = ("a model that only guesses the pronoun gets half of them right, so other words are wrong too: see whether the loss "
                 "still falls, and look at the samples in the monitor.")
    elif found.accuracy < 0.6:
        cause = ("half is what a model gets that writes everything right and guesses the pronoun: it has not found out what \"it\" "
                 "stands for. A higher rate with warm-up, larger batches and no dropout find it sooner.")
    else:
        cause = "it is learning what \"it\" stands for: go on, or let the rate fall to 0 at the end."
    want(folder, found.accuracy, least, found, "are right", cause)


def want(folder: str | Path, share: float, least: float, found: Score, what: str, cause: str) -> None:
    """Refuse a share of right sentences that is too small."""
    if share < least:
        raise CheckFailed(
            f"{100 * share:.1f} % of {NUM_SENTENCES} sentences {what}, after {counted(found.steps, 'step')} with "
            f"{found.parameters:,} parameters.", f"at least {100 * least:.0f} %.", cause_in(Run.load(folder), found) or cause)


def cause_in(run: Run, found: Score) -> str:
    """What the curve of a training shows of a score that is too low, or nothing."""
    while_trained = run.history[-1].get("sentences right") if run.history else None
    if isinstance(while_trained, float) and while_trained > found.accuracy + 0.2:
        return (f"while it trained, your own model got {100 * while_trained:.0f} % right. Scoring puts its weights into the package's "
                "layers: one of yours does something else than the package's layer of this name, such as `key` for the queries. "
                "Compare with notebooks 1 to 3, then train again in a new folder.")
    if not run.finished:
        return (f"the training has stopped at step {run.step:,} of {run.recipe.max_iters:,}. Run the training cell again, and it "
                "goes on.")
    return ""


def score_of(folder: str | Path, seed: int) -> Score:
    """The score of the training in a folder."""
    try:
        return score(folder, seed=seed)
    except Refused as refusal:
        if isinstance(refusal, NoTraining):
            raise NotHandedIn(str(refusal), "a training that can be scored.", "run the training cell, further up, to its end.") from None
        raise CheckFailed(str(refusal), "a training that can be scored.", "") from None
