"""Questions of notebook 5."""

from ninelives.widgets import Choice


def which_outputs_may_change() -> Choice:
    """Asked before the learner writes a test for leaks."""
    return Choice(
        "You give a decoder a sentence, and then the same sentence with another word at position 3. At which positions may the scores "
        "be different?",
        {
            "At position 3 alone":
                "The words after position 3 attend to it, so their scores may change too. That is what attention is for.",
            "At the positions 0, 1 and 2":
                "These come before position 3. If their scores change, the model looks into the future: a leak.",
            "At position 3 and all later ones":
                "Each of them attends to position 3. At the earlier ones nothing may change, which is what you can test.",
            "At all positions":
                "That would be an encoder. In a decoder the positions 0, 1 and 2 know nothing of position 3.",
        },
        answer="At position 3 and all later ones",
    )


def when_the_mask_matters() -> Choice:
    """Asked before two models are trained, one without the causal mask."""
    return Choice(
        "In training the whole sentence is known, and when the model writes there is nothing after the last word yet. "
        "When is the causal mask needed?",
        {
            "Only when the model writes: in training the sentence is known anyway, so there is nothing to hide":
                "The sentence is known to you. The model is to predict each word of it, and would find the answer one position "
                "to the right.",
            "Only in training: when the model writes, there is no future to look at":
                "The last position has none. But the earlier positions of the text do, and they must be read as they were read in "
                "training.",
            "In both":
                "In training it hides the answers. When the model writes, it keeps the earlier positions as they were in training: "
                "blind to what comes after them.",
            "In neither, if the loss is small enough":
                "A small loss proves nothing here: a model that copies the next word has the smallest of all.",
        },
        answer="In both",
    )


def which_loss_is_smaller() -> Choice:
    """Asked before the two losses are shown."""
    return Choice(
        "One model is trained with the causal mask and one without. Whose loss will be smaller after 150 steps?",
        {
            "That of the model without the mask":
                "It may attend to the next word, which is the answer. Its loss falls below what any honest prediction can reach.",
            "That of the model with the mask":
                "It is the better model, but not by this measure: it has to guess where the other one can look.",
            "Both get the same: the sentences and the targets are the same":
                "They are, but one of the two models sees each target among its inputs.",
        },
        answer="That of the model without the mask",
    )
