"""Wrong answers to the test for leaks that are more than a mistake in a formula."""

import torch

from answers import refused_by
from ninelives.checks.future_leak import all_changes, future_leak, moved, next_id

TINY = 1e-6


def right(model, idx):
    """(T, T) bool."""
    with torch.no_grad():
        return (all_changes(model, idx) > TINY).triu(1)


@refused_by(future_leak, "shape", "not written yet", "run its cell again, then this check")
def nothing_written(model, idx):
    raise NotImplementedError()


@refused_by(future_leak, "shape", "the function has no `return`.")
def return_forgotten(model, idx):
    leaks = right(model, idx)


@refused_by(future_leak, "shape", "The ids are 0 … V − 1")
def one_more_than_the_last_word(model, idx):
    leaks = []
    for j in range(idx.shape[1]):
        changed = idx.clone()
        changed[0, j] += 1
        leaks.append((model(changed)[0] - model(idx)[0])[0].abs().amax(-1) > TINY)
    return torch.stack(leaks, dim=1).triu(1)


@refused_by(future_leak, "shape", "Take it apart: `logits, loss = model(idx)`")
def pairs_subtracted(model, idx):
    return model(idx) - model(idx)


@refused_by(future_leak, "shape", "this is the model's loss, the second of the pair")
def losses_subtracted(model, idx):
    return model(idx)[1] - model(idx)[1]


@refused_by(future_leak, "shape", "Take it apart: `logits, loss = model(idx)`")
def pair_taken_for_logits(model, idx):
    return model(idx)[:, 0]


@refused_by(future_leak, "shape", "`if` needs one answer: (…).any(), or the largest")
def all_scores_asked_at_once(model, idx):
    T = idx.shape[1]
    leaks = torch.zeros(T, T)
    for j in range(T):
        changed = idx.clone()
        changed[0, j] = next_id(idx, j)
        for i in range(T):
            if model(changed)[0][0, i] != model(idx)[0][0, i]:
                leaks[i, j] = 1
    return leaks.triu(1)


@refused_by(future_leak, "shape", "One number of them is, for instance, the largest difference")
def all_scores_made_one_number(model, idx):
    changed = idx.clone()
    changed[0, 0] = next_id(idx, 0)
    return torch.tensor([[float(x) for x in (model(changed)[0] - model(idx)[0])[0]]])


@refused_by(future_leak, "shape", "changed the tensor", "work on x.clone()")
def words_written_into_the_sentence(model, idx):
    logits = model(idx)[0]
    leaks = []
    for j in range(idx.shape[1]):
        idx[0, j] = next_id(idx, j)
        leaks.append((model(idx)[0] - logits)[0].abs().amax(-1) > TINY)
    return torch.stack(leaks, dim=1).triu(1)


@refused_by(future_leak, "shape", "changed the tensor", "work on x.clone()")
def last_word_not_put_back(model, idx):
    leaks = right(model, idx)
    idx[0, -1] = next_id(idx, -1)
    return leaks


@refused_by(future_leak, "shape", "changed the tensor", "work on x.clone()")
def sentence_zeroed(model, idx):
    leaks = right(model, idx)
    idx.zero_()
    return leaks


@refused_by(future_leak, "shape", "only 1 (True) for a leak", "these are the differences themselves.")
def sizes_of_the_changes(model, idx):
    return all_changes(model, idx).detach()


FALSE_ALARM = "a leak is reported where there is none"


@refused_by(future_leak, "no leak", "The model that you are given is in eval mode: leave it there.")
def in_training_mode(model, idx):
    """Dropout makes every two calls differ."""
    model.train()
    leaks = right(model, idx)
    model.eval()
    return leaks


@refused_by(future_leak, "no leak", FALSE_ALARM)
def everything_later_reported(model, idx):
    T = idx.shape[1]
    return torch.ones(T, T).triu(1)


@refused_by(future_leak, "no leak", "in one call several words differ from the sentence")
def words_changed_one_after_another(model, idx):
    """The earlier words stay changed, so the scores before a position have moved already."""
    changed, logits = idx.clone(), model(idx)[0].detach()
    leaks = []
    for j in range(idx.shape[1]):
        changed[0, j] = next_id(idx, j)
        leaks.append((model(changed)[0].detach() - logits)[0].abs().amax(-1) > TINY)
    return torch.stack(leaks, dim=1).triu(1)


@refused_by(future_leak, "leaks", "no leak is found in a model that has one")
def nothing_ever_found(model, idx):
    T = idx.shape[1]
    return torch.zeros(T, T)


OVERLOOKED = "a leak is overlooked: every pair counts, however small the change."


@refused_by(future_leak, "shape", "a word is put in that does not exist.")
def padding_put_in(model, idx):
    return torch.stack([moved(model, idx, j, -1) > TINY for j in range(idx.shape[1])], dim=1).triu(1)


@refused_by(future_leak, "leaks", "as torch.allclose and torch.isclose do unless rtol=0.")
def differences_measured_against_the_scores(model, idx):
    T, scores = idx.shape[1], model(idx)[0][0]
    leaks = torch.zeros(T, T)
    for j in range(T):
        changed = idx.clone()
        changed[0, j] = next_id(idx, j)
        leaks[:, j] = (~torch.isclose(model(changed)[0][0], scores)).any(-1)
    return leaks.triu(1)


@refused_by(future_leak, "leaks", OVERLOOKED)
def small_changes_overlooked(model, idx):
    return (all_changes(model, idx) > 0.05).triu(1)


@refused_by(future_leak, "leaks", OVERLOOKED)
def changes_compared_with_the_largest(model, idx):
    changes = all_changes(model, idx).detach()
    return (changes > 0.5 * changes.max()).triu(1)


@refused_by(future_leak, "leaks", OVERLOOKED)
def last_word_never_changed(model, idx):
    leaks = right(model, idx).clone()
    leaks[:, -1] = False
    return leaks


@refused_by(future_leak, "leaks", "there is a position at which no other word is ever put in.")
def last_word_of_the_vocabulary_put_in(model, idx):
    V = model.config.vocab_size
    leaks = []
    for j in range(idx.shape[1]):
        changed = idx.clone()
        changed[0, j] = V - 1
        leaks.append((model(changed)[0] - model(idx)[0])[0].abs().amax(-1) > TINY)
    return torch.stack(leaks, dim=1).triu(1)


@refused_by(future_leak, "leaks", "nothing can change: take another one")
def word_swapped_with_its_neighbour(model, idx):
    """Nothing changes where both are the same word."""
    leaks = []
    for j in range(idx.shape[1]):
        changed = idx.clone()
        changed[0, j] = idx[0, (j + 1) % idx.shape[1]]
        leaks.append((model(changed)[0] - model(idx)[0])[0].abs().amax(-1) > TINY)
    return torch.stack(leaks, dim=1).triu(1)


@refused_by(future_leak, "leaks", "compare the scores of all V words, not one of them")
def first_score_alone(model, idx):
    leaks = []
    for j in range(idx.shape[1]):
        changed = idx.clone()
        changed[0, j] = next_id(idx, j)
        leaks.append((model(changed)[0] - model(idx)[0])[0, :, 0].abs() > TINY)
    return torch.stack(leaks, dim=1).triu(1)


@refused_by(future_leak, "leaks", "so that a rise and a fall cancel: `.abs()` comes before the sum.")
def differences_added_with_their_signs(model, idx):
    leaks = []
    for j in range(idx.shape[1]):
        changed = idx.clone()
        changed[0, j] = next_id(idx, j)
        leaks.append((model(changed)[0] - model(idx)[0])[0].sum(-1).abs() > TINY)
    return torch.stack(leaks, dim=1).triu(1)


@refused_by(future_leak, "leaks", "A softmax does not show what all scores of a position have in common")
def probabilities_compared(model, idx):
    leaks = []
    for j in range(idx.shape[1]):
        changed = idx.clone()
        changed[0, j] = next_id(idx, j)
        leaks.append((model(changed)[0].softmax(-1) - model(idx)[0].softmax(-1))[0].abs().amax(-1) > TINY)
    return torch.stack(leaks, dim=1).triu(1)


KEPT = {}


@refused_by(future_leak, "leaks", "no leak is found in a model that has one")
def result_of_the_first_model(model, idx):
    return KEPT.setdefault(idx.shape[1], right(model, idx))


@refused_by(future_leak, "leaks", "no leak is found in a model that has one")
def result_of_the_first_model_with_this_sentence(model, idx):
    return KEPT.setdefault(tuple(idx[0].tolist()), right(model, idx))


@refused_by(future_leak, "leaks", FALSE_ALARM)
def result_of_the_first_leaky_model(model, idx):
    leaks = right(model, idx)
    return KEPT.setdefault(("leaky", idx.shape[1]), leaks) if leaks.any() else leaks


TRACES = "leaves the model as it was"


@refused_by(future_leak, TRACES, "leave the mode alone: the model")
def left_in_training_mode(model, idx):
    leaks = right(model, idx)
    model.train()
    return leaks


@refused_by(future_leak, TRACES, "leave the mode alone: the model")
def dropout_left_on(model, idx):
    leaks = right(model, idx)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.train()
    return leaks


@refused_by(future_leak, TRACES, "This test leaves nothing to chance and needs none.")
def seed_set(model, idx):
    torch.manual_seed(0)
    return right(model, idx)


@refused_by(future_leak, TRACES, "and nothing in the model")
def weights_zeroed(model, idx):
    leaks = right(model, idx)
    with torch.no_grad():
        next(model.parameters()).zero_()
    return leaks


@refused_by(future_leak, TRACES, "use torch.autograd.grad, which leaves `.grad` alone")
def backward_called(model, idx):
    model(idx)[0].sum().backward()
    return right(model, idx)


@refused_by(future_leak, TRACES, "use torch.autograd.grad, which leaves `.grad` alone")
def parameters_frozen(model, idx):
    model.requires_grad_(False)
    return right(model, idx)


@refused_by(future_leak, TRACES, "switches them on again by itself.")
def gradients_off_for_good(model, idx):
    torch.set_grad_enabled(False)
    return right(model, idx)


@refused_by(future_leak, TRACES, "leave the mode alone: the model")
def left_in_training_mode_for_one_word(model, idx):
    if idx.shape[1] == 1:
        model.train()
        return torch.zeros(1, 1)
    return right(model, idx)


@refused_by(future_leak, TRACES, "leave the mode alone: the model")
def left_in_training_mode_where_nothing_leaks(model, idx):
    leaks = right(model, idx)
    return leaks if leaks.any() else (model.train(), leaks)[1]


@refused_by(future_leak, TRACES, "switches them on again by itself.")
def gradients_off_where_nothing_leaks(model, idx):
    leaks = right(model, idx)
    torch.set_grad_enabled(bool(leaks.any()))
    return leaks


@refused_by(future_leak, "shape", "begin with zeros (T, T), or change the first word too")
def first_word_left_out(model, idx):
    moved = []
    for j in range(1, idx.shape[1]):
        changed = idx.clone()
        changed[0, j] = next_id(idx, j)
        moved.append((model(changed)[0] - model(idx)[0])[0].abs().amax(-1) > TINY)
    columns = torch.stack(moved, dim=1)
    return torch.cat((torch.zeros(len(columns), 1), columns), dim=1).triu(1)


@refused_by(future_leak, "leaks", OVERLOOKED)
def row_0_taken_for_none(model, idx):
    leaks, T = right(model, idx), idx.shape[1]
    return torch.tensor([[bool(i and leaks[i, j]) for j in range(T)] for i in range(T)])


@refused_by(future_leak, "leaks", "Take another word than the one that is there.")
def word_0_taken_for_none(model, idx):
    return right(model, idx) & (idx != 0)


@refused_by(future_leak, "leaks", OVERLOOKED)
def less_than_a_thousandth_overlooked(model, idx):
    return (all_changes(model, idx) > 1e-3).triu(1)


NEVER_REPLACED = "there is a position at which no other word is ever put in."


@refused_by(future_leak, "leaks", NEVER_REPLACED)
def returned_after_the_first_word(model, idx):
    return changed_at(model, idx, [0])


@refused_by(future_leak, "leaks", NEVER_REPLACED)
def last_word_never_replaced(model, idx):
    return changed_at(model, idx, range(idx.shape[1] - 1))


@refused_by(future_leak, "leaks", NEVER_REPLACED)
def words_inside_alone_replaced(model, idx):
    return changed_at(model, idx, range(1, idx.shape[1] - 1))


def changed_at(model, idx, positions):
    """(T, T) bool, right in the columns of these positions."""
    T = idx.shape[1]
    leaks = torch.zeros(T, T, dtype=torch.bool)
    for j in positions:
        leaks[:, j] = moved(model, idx, j, next_id(idx, j)) > TINY
    return leaks.triu(1)


@refused_by(future_leak, "shape", "the test is for any model.")
def mask_of_the_model_asked(model, idx):
    T = idx.shape[1]
    return model.get_attention_mask(torch.tensor([T]), T)[0, 0].triu(1)


@refused_by(future_leak, "shape", "Take it apart: `logits, loss = model(idx)`")
def pair_and_logits_subtracted(model, idx):
    return model(idx) - model(idx)[0]


@refused_by(future_leak, "shape", "`.float()` makes none of them")
def ids_made_floats(model, idx):
    return model(idx.float())[0]


@refused_by(future_leak, "shape", "ids are whole numbers and have no gradient.")
def gradient_of_the_ids(model, idx):
    return model(idx.clone().requires_grad_())[0]


@refused_by(future_leak, "shape", "axis 0 is the batch, and holds one sentence")
def row_j_changed(model, idx):
    changed = idx.clone()
    for j in range(idx.shape[1]):
        changed[j] = next_id(idx, j)
    return model(changed)[0]


@refused_by(future_leak, "leaks", "what is compared is how large the scores are together.")
def norms_compared(model, idx):
    leaks = []
    for j in range(idx.shape[1]):
        changed = idx.clone()
        changed[0, j] = next_id(idx, j)
        leaks.append((model(changed)[0].norm(dim=-1) - model(idx)[0].norm(dim=-1))[0].abs() > TINY)
    return torch.stack(leaks, dim=1).triu(1)
