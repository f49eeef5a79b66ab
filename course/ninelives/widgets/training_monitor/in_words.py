"""What a monitor says."""

from ninelives.figures import describe_training
from ninelives.widgets.training_monitor.entries import entry_read, shown_histories


def progress(monitor) -> str:
    """How far the training is."""
    if monitor.state == "waiting":
        return f"{monitor.name}: not begun, {monitor.max_iters:,} steps"
    return f"{monitor.name}: {monitor.state}, step {monitor.step:,} of {monitor.max_iters:,} after {monitor.seconds:.0f} s"


def in_words(monitor) -> str:
    """Progress, the curves, and the samples at the step that is read out."""
    said = [f"{progress(monitor)}."]
    said += [describe_training(name, entries, monitor.measure or None) for name, entries in shown_histories(monitor).items()]
    said += [f"A line at {height:g} says {name}." for name, height in monitor.levels.items()]
    if monitor.hidden:
        said.append(f"Hidden: {', '.join(monitor.hidden)}.")
    entry = entry_read(monitor) or {}
    if entry.get("rate") is not None:
        said.append(f"At step {entry['step']:,} the rate is {entry['rate']:.2g}.")
    for given, answer, wanted in entry.get("samples") or []:
        said.append(f"{given}: {answer} ({'right' if answer == wanted else f'wanted: {wanted}'}).")
    return " ".join(said)
