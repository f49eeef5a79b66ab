"""The questions of notebook 9."""

from ninelives.widgets import Choice


def loss_of_random_numbers() -> Choice:
    """Asked before an untrained model is scored."""
    return Choice(
        "A vocabulary of 225 words, and a model of random numbers. What is its loss, about?",
        {
            "1, since it is always wrong": "The loss is no share of wrong words. It is minus the logarithm of the probability "
                                           "that the right word has, and that can be far above 1.",
            "0.004, that is 1/225": "That is the probability that each word gets. The loss is minus the logarithm of it.",
            "5.4, that is log 225": "All words are about equally likely, so the right one has the probability 1/225, and "
                                    "minus the logarithm of that is log 225.",
            "0.69, that is log 2": "That is the loss of guessing one of two words. Here it is one of 225.",
        },
        answer="5.4, that is log 225",
    )


def a_rate_that_is_too_large() -> Choice:
    """Asked before gradient descent is drawn."""
    return Choice(
        "The loss is a bowl, and each step moves the weight by the rate times the slope. What happens with a rate that is too large?",
        {
            "It arrives sooner, only less exactly": "That holds for a rate that is somewhat large. Beyond a limit every step lands "
                                                    "higher than the one before, and it never arrives.",
            "It jumps across the bowl, each time higher": "A step that is too long ends on the other side, higher up, where the slope is "
                                                          "steeper, so the next step is longer still. This is how a training run diverges.",
            "It stops at once, since the slope changes its sign": "The sign does change, so the next step goes back. But nothing stops "
                                                                  "it: the slope there is even steeper.",
        },
        answer="It jumps across the bowl, each time higher",
    )


def best_of_ten_on_the_test() -> Choice:
    """Asked before exercise 6."""
    return Choice(
        "Ten models with ten seeds are scored on the same 100 test sentences: 71 to 84 % right. You keep the one with 84 %. "
        "How many new sentences will it get right, most likely?",
        {
            "Fewer than 84 %": "Of ten scores the highest is partly skill and partly luck with these 100 sentences, and the luck "
                               "does not come along to new ones.",
            "84 %, since it was measured on sentences that it was not trained on": "That is true of each single model. But you chose by "
                "this very number, so the chosen one is likely to have been lucky on these sentences.",
            "More than 84 %, since it is the best": "It may well be the best, but its number was picked because it was high. New "
                                                    "sentences bring no such help.",
        },
        answer="Fewer than 84 %",
    )


def what_a_falling_loss_says() -> Choice:
    """Asked in the room of the common misreading, after a loss that falls from 0.065 to 0.022 was shown."""
    return Choice(
        "From step 1,000 to step 2,000 the loss falls from 0.065 to 0.022. What happens to the share of sentences that are right?",
        {
            "It rises with it, to nearly 100 %: exp(−0.022) is 98 %": "That is the mean probability of a single word. A sentence "
                "has some thirteen of them, and they are not equally hard.",
            "It rises a little, from about half to two thirds": "That would be so if the loss fell because the pronoun was learned. "
                "Look at the numbers in the next cell.",
            "It falls, since the model overfits": "The loss is measured on fresh sentences in each step, from forty thousand. "
                                                  "Memorising is not the trouble here.",
            "It stays at one half": "All that improves is how sure the model is of words that were right already. The pronoun is "
                                    "still guessed, and one wrong word makes a wrong sentence.",
        },
        answer="It stays at one half",
    )
