"""The questions of notebook 1."""

from ninelives.widgets import Choice


def what_a_sum_tells() -> Choice:
    """Asked before the vectors of two sentences with the same words are summed."""
    return Choice(
        "Take the sum of the five vectors of `the dog bites the man`, and that of `the man bites the dog`. How do the two sums compare?",
        {
            "They differ, since the words come in another order":
                "A sum does not depend on the order of what is added. Each word looks up the same row wherever it is.",
            "They are the same":
                "Each word looks up the same row wherever it is, and a sum does not depend on the order. So nothing in the sum says who bites.",
            "They differ, since `dog` and `man` have different vectors":
                "They do have different vectors. But both words occur in both sentences, once each.",
        },
        answer="They are the same",
    )


def how_token_and_position_are_joined() -> Choice:
    """Asked before the misreading that token and position vectors are concatenated."""
    return Choice(
        "GPT-2 has `n_embd = 768`, a token table and a position table. How many numbers does its first block get for each token?",
        {
            "1536: the 768 numbers of the token, then the 768 of the position":
                "That would be concatenating. GPT-2, BERT and the first Transformer add the two vectors, so the width stays what it was.",
            "769: the 768 numbers of the token, then the position itself":
                "The position is never used as a number. It looks up a row of a table of its own, and that row has 768 numbers too.",
            "768: the vector of the token plus the vector of the position":
                "Both vectors have `n_embd` numbers, and they are added channel by channel. The width stays the same throughout the model.",
        },
        answer="768: the vector of the token plus the vector of the position",
    )


def what_a_position_table_gives() -> Choice:
    """Asked before the misreading that the position table returns integers."""
    return Choice(
        "The word at position 3 asks the position table, `nn.Embedding(block_size, n_embd)`. What does it get?",
        {
            "The vector in row 3: `n_embd` real numbers, which training can change":
                "A whole number goes in, and a row of the table comes out. Like the token vectors, these rows are random at first and are learned.",
            "The whole number 3, which the model adds to the token vector":
                "3 is what goes in. If it were added as it is, every channel of a late word would be shifted by a large number.",
            "A vector of zeros with a 1 at position 3":
                "That is a one-hot vector. Multiplied with the table it picks out row 3, and the row is what the look-up gives at once.",
        },
        answer="The vector in row 3: `n_embd` real numbers, which training can change",
    )
