"""Questions of notebook 3."""

from ninelives.widgets import Choice


def what_the_sums_are_for() -> Choice:
    """Asked before two deep stacks are trained, one with the sums and one without."""
    return Choice(
        "Two stacks of 12 blocks are trained on the same task for the same 100 steps. In one of them attention and mlp add to the "
        "vector, as in your block. In the other they replace it. What happens?",
        {
            "Both learn; the one with the sums needs a little less time":
                "With two blocks the one without sums does learn, only more slowly. With twelve it has not moved from "
                "guessing after 100 steps.",
            "The one without sums learns more, since its vectors are not full of old numbers":
                "Old numbers are no burden: a block can learn to write into channels that it needs, and the norm keeps "
                "the size in check. Without the sums every block has to pass everything on by itself.",
            "Only the one with sums learns; the other stays at guessing":
                "A block that adds can begin by doing nearly nothing, and whatever it does, its input still arrives at "
                "the other side. A block that replaces has to pass on everything, twelve times in a row.",
            "Neither learns: twelve blocks are too deep for 100 steps":
                "Depth alone is no obstacle. With the sums, twelve blocks learn this task as fast as two, or faster.",
        },
        answer="Only the one with sums learns; the other stays at guessing",
    )


def what_the_first_loss_is() -> Choice:
    """Asked before the loss of a new model is computed."""
    return Choice(
        "A new model has random weights and 29 words to choose from. About how large is its first loss, the mean of "
        "−ln(probability of the right word)?",
        {
            "About ln 29, which is 3.37":
                "A model that knows nothing gives each of the 29 words about the probability 1/29, and −ln(1/29) is ln 29.",
            "About 0, since it has not made a mistake yet":
                "A loss of 0 needs the probability 1 for every right word. A new model is sure of nothing.",
            "About 1, the largest loss there is":
                "The loss has no largest value: −ln p grows without end as p goes to 0.",
            "It can be anything, since the weights are random":
                "Random, but small: the scores come out close to 0, so that their softmax is nearly the same for every "
                "word. That is what initialisation is for.",
        },
        answer="About ln 29, which is 3.37",
    )


def where_the_softmax_goes() -> Choice:
    """Asked before the misreading is shown."""
    return Choice(
        "A text about Transformers says: the scores go through a softmax, and the word with the highest probability is the "
        "output. Where in your code does that happen?",
        {
            "At the end of `forward`: softmax, then argmax":
                "Then `forward` would return the number of a word. Nothing can be learned through that, because argmax has no "
                "gradient.",
            "At the end of `forward`: the softmax; the argmax comes outside":
                "It runs, and the probabilities are right. But `F.cross_entropy` takes a softmax itself, so the loss "
                "would be that of a softmax of a softmax: see below what that costs.",
            "Outside of `forward`, both: the loss and the program that writes text each apply their own softmax":
                "`F.cross_entropy` takes its own, and a program that writes divides the scores by a temperature before "
                "it takes one. So `forward` returns raw scores.",
        },
        answer="Outside of `forward`, both: the loss and the program that writes text each apply their own softmax",
    )
