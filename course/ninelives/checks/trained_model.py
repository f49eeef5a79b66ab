"""Notebook 9: how good the model in a learner's folder is.

`training.own_training` checks the recipe and the sizes that a learner chooses; `trained_model` checks what came of
them. The weights are scored as they are: nothing is trained, and no code of the learner's runs.
"""

from pathlib import Path

from ninelives.checks.exercise import CheckFailed, Exercise
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
    want(found.bonus, 0.7, found, "with new combinations are right",
         "in these sentences the passive of verb and reason was never shown. More steps help, and so does a model that "
         "is not much too large.")


def want_accuracy(folder: str | Path, seed: int, least: float) -> None:
    """Refuse a model that translates fewer held-out sentences."""
    found = score_of(folder, seed)
    if found.accuracy < 0.4:
        cause = "not even the words are right yet: see whether the loss still falls, and look at the samples."
    elif found.accuracy < 0.6:
        cause = ("all is right but the pronoun, which is guessed: half of the sentences. The model has not found out what "
                 "\"it\" stands for. A higher rate with warm-up, larger batches and no dropout find it sooner.")
    else:
        cause = "it is learning what \"it\" stands for: go on, or let the rate fall to 0 at the end."
    want(found.accuracy, least, found, "are right", cause)


def want(share: float, least: float, found: Score, what: str, cause: str) -> None:
    """Refuse a share of right sentences that is too small."""
    if share < least:
        raise CheckFailed(
            f"{100 * share:.1f} % of {NUM_SENTENCES} sentences {what}, after {found.steps:,} steps with "
            f"{found.parameters:,} parameters.", f"at least {100 * least:.0f} %.", cause)


def score_of(folder: str | Path, seed: int) -> Score:
    """The score of the training in a folder."""
    try:
        return score(folder, seed=seed)
    except Refused as refusal:
        failure = NotHandedIn if isinstance(refusal, NoTraining) else CheckFailed
        raise failure(str(refusal), "a training that can be scored.",
                      "run the training cell to its end, in this folder.") from None
