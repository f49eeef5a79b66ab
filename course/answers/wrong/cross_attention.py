"""Wrong answers to notebook 7's optional exercise in addition to the registered mistakes."""

from answers import refused_by
from ninelives.checks.cross_attention import GivenCrossAttention, cross_attention, shifted_right


@refused_by(cross_attention, "values", "not written yet", "run its cell again, then this check")
class CrossAttentionNotWritten(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        raise NotImplementedError()


@refused_by(cross_attention, "values", "then scores, mask, softmax, values, heads merged, proj, as in notebook 2.")
class XAddedToTheResult(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        return x + super().forward(x, hidden, is_word)


@refused_by(shifted_right, "values", "the start token, then every target but the last.")
def one_target_lost(targets, start_token):
    shifted = targets.roll(1, dims=1)
    shifted[:, :2] = start_token
    return shifted
