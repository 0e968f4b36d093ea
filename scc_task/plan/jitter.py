"""Deal the values of a jitter out to trials: the values are fixed, only their order is drawn."""

import random

from scc_task.protocol.grid import spread

__all__ = ["deal", "spread"]


def deal(values_ms: tuple[int, ...], *, seed: int, field: str) -> tuple[int, ...]:
    """Return the values in an order that depends on the seed and the field's name alone.

    Parameters
    ----------
    values_ms
        What `spread` gives, in milliseconds.
    seed
        The run's seed.
    field
        Names the jitter within the protocol. Each field has a stream of its own, so that editing
        one does not reshuffle another.
    """
    stream = random.Random(f"{seed}/{field}")  # noqa: S311 - an order of trials, no secret
    # random() gives the same numbers in every version of Python; shuffle() does not promise it
    keys = [stream.random() for _ in values_ms]
    return tuple(values_ms[i] for i in sorted(range(len(values_ms)), key=keys.__getitem__))
