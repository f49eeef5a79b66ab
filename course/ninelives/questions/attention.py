"""The questions of notebook 2."""

from ninelives.widgets import Choice


def what_the_softmax_makes_of_a_zero() -> Choice:
    """Asked before the row of "it" is computed in the head that is set by hand."""
    return Choice(
        "In this head the query of “it” and the key of “did” have the dot product 0. What weight does “it” give to “did”?",
        {
            "Exactly 0: a key that does not fit gets nothing":
                "The softmax takes e to the power of each score, and e⁰ is 1. Only a score of −∞ gives the weight 0.",
            "A small one, but more than 0":
                "The power e⁰ is 1, so “did” keeps a share. It is small because e to the power of the score of “cat” is much larger.",
            "1 ÷ 11, as if nothing were known":
                "That would be so if all eleven scores were equal. Those of “cat”, “eat” and “full” are larger, so the others get less.",
        },
        answer="A small one, but more than 0",
    )


def what_the_values_decide() -> Choice:
    """Asked after the head that is set by hand, before its value matrix is changed."""
    return Choice(
        "Now set the value matrix of this head to zeros, and leave the query and key matrices as they are. What changes?",
        {
            "The attention weights: “it” no longer attends to “cat”":
                "The weights come from queries and keys alone. The values are not used before the weights are known.",
            "Nothing, since queries and keys decide everything":
                "Queries and keys decide where a word looks. What is brought back from there is the values, and those would be zeros.",
            "What “it” receives: zeros, though it attends to “cat” as before":
                "Queries and keys decide where a word looks, values decide what is brought back. The two can be learned separately.",
        },
        answer="What “it” receives: zeros, though it attends to “cat” as before",
    )


def what_shuffling_does() -> Choice:
    """Asked before the words of a sentence are shuffled, without positions and without a mask."""
    return Choice(
        "Give your attention five vectors without positions, then the same five in another order. What happens to the five outputs?",
        {
            "They are the same five vectors, in the new order":
                "Scores, softmax and mean treat each pair of words alike, wherever the two are. Order exists for attention only if the vectors "
                "themselves tell it, and that is what your position table is for.",
            "They are five other vectors: a word now attends to other neighbours":
                "Attention has no neighbours. It sees which vectors there are, and every word still finds the same ones.",
            "Nothing changes: each output stays where it was":
                "Output i belongs to input i. When the word moves, its output moves with it.",
        },
        answer="They are the same five vectors, in the new order",
    )


def how_to_hide_a_word() -> Choice:
    """Asked before the misreading that hidden scores are set to 0."""
    return Choice(
        "The score of a word is to be hidden, so that its weight becomes 0. What has to be written instead of the score, before the softmax?",
        {
            "0, since what does not count is 0":
                "The power e⁰ is 1, so a score of 0 keeps its weight, and often it is not even the smallest score of the row.",
            "−∞, since e to the power of −∞ is 0":
                "The softmax divides the powers by their sum: what has the power 0 gets the weight 0, and the other weights still add up to 1.",
            "−1e−9, a very small number":
                "That is −0.000000001, so its power of e is nearly 1. What is meant is −1e9, a very negative number, which works as well as −∞.",
        },
        answer="−∞, since e to the power of −∞ is 0",
    )
