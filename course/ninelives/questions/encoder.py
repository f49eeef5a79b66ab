"""Questions of notebook 4."""

from ninelives.widgets import Choice


def what_closed_rows_do() -> Choice:
    """Asked before the rows of padding are closed in two layers of attention."""
    return Choice(
        "No word attends to padding, so the result of a padded position is never used. Suppose that its row is closed too, so "
        "that padding attends to nothing. What happens to the words of the sentence?",
        {
            "Nothing: no word attends to padding, so what padding computes cannot matter":
                "It seems to follow, and in the first layer it holds. But “does not attend” means “with weight 0”, and "
                "there is a number that does not vanish when it is multiplied by 0.",
            "They become NaN, but only after the second layer":
                "The softmax of a closed row is 0 ÷ 0, NaN, for the padding itself. In the second layer every word adds 0 · NaN "
                "to its mean, and 0 · NaN is NaN.",
            "They become NaN in the first layer":
                "In the first layer only the rows of padding are 0 ÷ 0. The rows of the words are computed from the input, "
                "which holds no NaN yet.",
            "They get better, since padding no longer disturbs them":
                "The columns of padding are closed already: no word is disturbed by padding, whatever its rows do.",
        },
        answer="They become NaN, but only after the second layer",
    )


def what_makes_an_encoder() -> Choice:
    """Asked after the learner has seen that padding changes nothing."""
    return Choice(
        "What distinguishes an encoder from the decoder of the next notebook?",
        {
            "Padding has no effect on its words":
                "That holds for both. A model whose words attend to padding is simply broken.",
            "It returns hidden states instead of scores":
                "Any Transformer of this course returns its hidden states with `return_hidden=True`. What matters is which words "
                "they have seen.",
            "Each word attends to the words before it and to those after it":
                "An encoder reads in both directions. A decoder will only look back, because it is to write what comes next.",
            "It has more layers":
                "The number of layers is a setting of the configuration. Both are made of the same blocks.",
        },
        answer="Each word attends to the words before it and to those after it",
    )


def what_three_axes_do() -> Choice:
    """Asked before the mask of three axes is tried out."""
    return Choice(
        "You reshape `num_tokens` to `(B, 1, 1)` and compare it with `torch.arange(T)`. The batch has 3 sentences, and your "
        "attention has 3 heads. What does the mask do?",
        {
            "It hides the padding of each sentence, as it should":
                "The shape is `(B, 1, T)`. Broadcasting lines axes up from the right, so its first axis meets the heads, "
                "not the sentences.",
            "PyTorch raises an error, since an axis is missing":
                "It does so for 2 heads or 8. With as many heads as sentences the sizes fit, and nothing complains.",
            "Head 1 of every sentence uses the length of sentence 1, head 2 that of sentence 2, and so on":
                "The first axis of `(B, 1, T)` meets the axis of the heads. No error, every row adds up to 1, and two heads "
                "of three are wrong in each sentence.",
        },
        answer="Head 1 of every sentence uses the length of sentence 1, head 2 that of sentence 2, and so on",
    )
