"""Questions of notebook 7."""

from ninelives.widgets import Choice


def which_row_predicts_the_first_word() -> Choice:
    """Asked before the table of rows is printed."""
    return Choice(
        "The English has 11 words, so its rows are 0 to 10, and the French rows follow: 11, 12, … Which row has to predict the "
        "first French word, “le”?",
        {
            "Row 0, the first of all":
                "Row 0 belongs to the first English word, “the”. What it predicts is ignored, and it is the same whatever the "
                "translation is.",
            "Row 10, the last English word":
                "A row predicts what comes next, and after the last English word comes the first French one. Every English row has "
                "seen the whole sentence, but only this one has been trained to say something about the French.",
            "Row 11, the first French word":
                "That row has just read “le”. It would only have to say what it has read, and learns nothing. It predicts the "
                "second word, “chat”.",
            "A row of its own, for a start token before the French":
                "The Transformer of 2017 needs one, since its decoder has no English rows. Here the last row of the prefix plays that "
                "part.",
        },
        answer="Row 10, the last English word",
    )


def which_row_changes_the_pronoun() -> Choice:
    """Asked before single rows of the cache are swapped."""
    return Choice(
        "The sentence of the cat and that of the cow have been encoded. Now one row of the cat's hidden states is replaced by the "
        "cow's, and the decoder translates. Which row has to be swapped to turn “il” into “elle”?",
        {
            "The row of “cat”: there the animals differ":
                "It is the only position where the words differ. But what is swapped is not a word: it is the vector that the encoder has "
                "made at this position, and the decoder hardly looks at it.",
            "The row of “the”, since it stands with the animal":
                "This one turns “le chat” into “la vache”, as you will see. The pronoun stays “il”.",
            "The row of “it”, although the word is the same in both sentences":
                "The word is the same, its vector is not: the encoder has written into it who “it” is, and the decoder fetches it "
                "there when it has to choose the pronoun.",
            "All of them: one row alone changes nothing":
                "One row is enough, as the experiment shows. That is what makes it possible to find out where something is kept.",
        },
        answer="The row of “it”, although the word is the same in both sentences",
    )


def what_the_lower_loss_means() -> Choice:
    """Asked after two loss curves, before the two models translate."""
    return Choice(
        "One of two trainings compares row P − 1 + t with target t, the other row P + t. In step 25 the second has half the "
        "loss of the first. What does that mean?",
        {
            "The second is given the answer: row P + t has already read target t":
                "It only has to repeat the word that it has just read, which is quickly learned and useless: when it writes, there is "
                "nothing to repeat.",
            "The second is the better translator: a lower loss is a better model":
                "A loss can only be compared with another one that asks the same question. This one asks for the word that is "
                "already there.",
            "The two are the same model, shifted by one row; the second is only luckier":
                "They begin with the same weights and read the same sentences. Only the question differs, and with it what they learn.",
        },
        answer="The second is given the answer: row P + t has already read target t",
    )
