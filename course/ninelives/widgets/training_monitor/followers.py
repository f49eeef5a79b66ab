"""Earlier monitors of a training: a page that was saved with one of them must not say what is no longer true."""

from weakref import WeakSet

WATCHED = WeakSet()  # the monitors that have watched a training in this kernel
SHOWN = ("max_iters", "entries", "measures", "step", "seconds", "state", "can_stop")


def earlier_monitors(monitor) -> list:
    """Those that have watched a training of the same name; this one is noted too."""
    earlier = [other for other in WATCHED if other is not monitor and other.name == monitor.name]
    WATCHED.add(monitor)
    return earlier


def tell(followers: list, monitor) -> None:
    """Let earlier monitors show what this one shows."""
    for follower in followers:
        with follower.hold_sync():
            for name in SHOWN:
                setattr(follower, name, getattr(monitor, name))
            follower.stop_asked = follower.stop_asked and monitor.state == "running"
            if monitor.measure in follower.measures:
                follower.measure = follower.measure or monitor.measure
