"""How the learning rate rises and falls. Steps count from 1."""

import math


def noam_rate(step: int, d_model: int, warmup_steps: int) -> float:
    """Rises linearly for warmup_steps, then falls with the inverse square root of the step.

    The peak, 1 / √(d_model · warmup_steps), is at step warmup_steps. Source:
    Vaswani et al. 2017, "Attention Is All You Need", section 5.3, equation 3.

    Raises:
        ValueError: step, d_model or warmup_steps is below 1.
    """
    for name, value in (("step", step), ("d_model", d_model), ("warmup_steps", warmup_steps)):
        if value < 1:
            raise ValueError(f"{name} is {value}: it must be at least 1.")
    return d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)


def warmup_cosine(step: int, learning_rate: float, warmup_steps: int, max_iters: int) -> float:
    """Rises linearly to learning_rate at warmup_steps, then falls to 0 at max_iters along half a cosine.

    Source: Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with
    Warm Restarts", equation 5, without restarts and with a minimum of 0.

    Args:
        warmup_steps: 0 starts at the peak.

    Raises:
        ValueError: step is outside 1 … max_iters, or warmup_steps outside 0 … max_iters.
    """
    if not 1 <= step <= max_iters:
        raise ValueError(f"step is {step}: it must be from 1 to max_iters = {max_iters}.")
    if not 0 <= warmup_steps <= max_iters:
        raise ValueError(f"warmup_steps is {warmup_steps}: it must be from 0 to max_iters = {max_iters}.")
    if step <= warmup_steps:
        return learning_rate * step / warmup_steps
    return learning_rate * (1 + math.cos(math.pi * (step - warmup_steps) / (max_iters - warmup_steps))) / 2
