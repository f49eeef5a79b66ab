"""Questions of notebook 8."""

from ninelives.widgets import Choice


def where_the_first_word_comes_from() -> Choice:
    """Asked before the loop is seen for the first time."""
    return Choice(
        "The French page is still empty, so the decoder is given `(1, 0)`: no word at all, and the hidden states of the "
        "11 English words as its cache. Where does the first French word come from?",
        {
            "From a start token, which must be put on the page first":
                "A Transformer like that of 2017 needs one, since its decoder has no row before the first word. Here "
                "the English words come before it, and each of them has a row.",
            "From the first row of scores, that of the first English word":
                "That row has seen the whole sentence too, but nobody has trained it to predict anything. The word "
                "after the whole sentence is predicted by the row at its end.",
            "From the last row of scores, that of the last English word":
                "Each row predicts what comes next, and what comes after the last English word is the first French one. "
                "Training has used this row for just that.",
            "From the encoder, which has scores of its own":
                "The encoder's scores are about English words. Only its hidden states are used here.",
        },
        answer="From the last row of scores, that of the last English word",
    )


def when_the_loop_may_stop() -> Choice:
    """Asked after a batch whose answers end at different steps."""
    return Choice(
        "The answers of a batch end at different steps: one with its 12th token, another with its 14th. After which step "
        "may the loop stop?",
        {
            "After the step in which every row contains an end token somewhere":
                "A row that has ended once is done, whatever is drawn for it afterwards. When all of them are, nothing "
                "is left to write.",
            "After the step in which every row draws the end token":
                "Rows that ended earlier draw something else by then, so this may never happen. Look for the end token "
                "in the whole row, not in the newest column.",
            "After the step in which some row draws the end token":
                "The other sentences would be cut off in the middle. The loop has to wait for the longest answer.",
            "After as many steps as the English sentence has words":
                "A translation may be longer or shorter than its sentence. Only the model can say when it is done, "
                "and it says so with the end token.",
        },
        answer="After the step in which every row contains an end token somewhere",
    )


def where_a_new_word_goes() -> Choice:
    """Asked before the misreading is tried out."""
    return Choice(
        "In notebook 6 every new token was appended to the prompt, and the model read the whole text again. Here the "
        "first French word has been drawn. What must change before the next step?",
        {
            "The prefix: the word is appended to the English, and the encoder reads it all again":
                "It is how a prompt is continued, and the shapes fit. But the encoder was trained on English alone, and "
                "the decoder would face an empty page forever.",
            "Both: each of the two reads the new word":
                "The decoder needs it, the encoder does not: whatever is written, the meaning of the English sentence "
                "stays the same.",
            "The answer: the word is appended to what the decoder reads, and the hidden states stay as they are":
                "The two texts have two readers. The prefix belongs to the encoder and never grows; the answer belongs "
                "to the decoder, begins empty, and grows.",
        },
        answer="The answer: the word is appended to what the decoder reads, and the hidden states stay as they are",
    )
