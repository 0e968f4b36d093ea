"""Spread values over a range on a grid: the arithmetic behind every jitter."""


def spread(from_ms: int, to_ms: int, step_ms: int, count: int) -> tuple[int, ...]:
    """Return a fixed set of grid values, spread symmetrically over a range, in rising order.

    The set depends on the range and the count alone, so its sum, and with it the length of a run,
    is the same for every participant; a seed only shuffles it. Each value is mirrored by another
    about the middle of the range, so the mean is the middle. One exception: for an odd count on a
    grid whose middle lies between two values, the value in the middle is the one just below.

    Parameters
    ----------
    from_ms, to_ms, step_ms
        The grid, in milliseconds; ``to_ms`` is a whole number of steps from ``from_ms``.
    count
        How many values; a single one is the middle.

    Raises
    ------
    ValueError
        If the range is not a grid or the count is not positive.
    """
    if step_ms <= 0 or to_ms < from_ms or (to_ms - from_ms) % step_ms or count < 1:
        raise ValueError(f"no grid: {from_ms} to {to_ms} by {step_ms}, {count} values")
    steps = (to_ms - from_ms) // step_ms
    lower = [(2 * i * steps + count - 1) // (2 * (count - 1)) for i in range(count // 2)]
    middle = [steps // 2] if count % 2 else []
    upper = [steps - position for position in reversed(lower)]
    return tuple(from_ms + position * step_ms for position in (*lower, *middle, *upper))
