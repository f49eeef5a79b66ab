"""Questions of notebook 6."""

from ninelives.widgets import Choice


def how_sharp_is_a_small_temperature() -> Choice:
    """Asked before the probabilities at five temperatures are drawn."""
    return Choice(
        "At temperature 1 the first word, “was”, has the probability 0.32 and the second, “did”, 0.29. What will “was” have at "
        "temperature 0.2?",
        {
            "Nearly 1, since a small temperature sharpens":
                "It would if “was” were far ahead. But the two scores differ by 0.08 only, and 0.08 ÷ 0.2 is 0.4: a factor of 1.5.",
            "0.32, as before":
                "The order of the words stays, but not what they get: at 0.2 all the unlikely words lose nearly everything, and "
                "the likely ones gain it.",
            "About 0.6, and “did” nearly all of the rest":
                "Every word that is far behind is gone, and the two at the top are left. Their scores are nearly equal, so "
                "neither gets everything.",
        },
        answer="About 0.6, and “did” nearly all of the rest",
    )


def what_divided_probabilities_do() -> Choice:
    """Asked before probabilities that were divided by the temperature are compared with scores that were."""
    return Choice(
        "Someone divides the probabilities by the temperature, after the softmax, and draws from the result. What does the dial do "
        "then?",
        {
            "Nothing: each word comes as often as before":
                "A draw looks only at ratios, and dividing all probabilities by the same number changes none of them. The texts "
                "vary, so it is easy to miss.",
            "The same as before: it does not matter where you divide":
                "The softmax is not linear: it turns differences into ratios. What is divided before it changes the ratios, what is "
                "divided after it does not.",
            "It raises an error, since the rows no longer add up to 1":
                "`torch.multinomial` takes any weights that are not negative, and makes them add up to 1 by itself.",
            "A small temperature makes all words equally likely":
                "That is what a large temperature does, and only if the scores are divided.",
        },
        answer="Nothing: each word comes as often as before",
    )


def which_slice_is_the_last_position() -> Choice:
    """Asked before the misread slice is tried out."""
    return Choice(
        "`logits` has shape `(B, T, V)`. Which slice holds, for each sequence, the scores from which the next word is drawn?",
        {
            "`logits[-1]`":
                "This is the last sequence of the batch, `(T, V)`: the first axis is the batch.",
            "`logits[:, -1]`":
                "All sequences, the last position, all words: `(B, V)`. The last position has read the whole text.",
            "`logits[..., -1]`":
                "This is `(B, T)`: what each position gives to the last word of the vocabulary. Nothing complains, and position "
                "numbers are drawn as if they were words.",
            "`logits[:, 0]`":
                "The first position has read one word, and predicts the second word of the prompt.",
        },
        answer="`logits[:, -1]`",
    )
