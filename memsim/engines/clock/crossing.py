"""Where a time falls to a limit: the search that all questions for the smallest rate share."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

HALVING = 12
"""Steps after which the search no longer trusts lines: it halves, and ends for certain."""


def crossing(
    late: Callable[[int], float], slow: int, fast: int, precision: Fraction = Fraction(0)
) -> int:
    """The smallest rate that is not late.

    Parameters
    ----------
    late : callable
        How much too late a rate is: above 0 where it is too slow, infinite where nothing better
        is known. It never rises with the rate.
    slow, fast : int
        A rate that is too slow, and a larger one that is not.
    precision : Fraction
        Part of itself by which what is returned may be above the smallest; 0 for none.

    Returns
    -------
    int
        Above ``slow``, at most ``fast``. One less is too slow, if ``precision`` is 0.

    Notes
    -----
    Time is a maximum of sums, each linear in the time of one byte or MAC, so it is convex in it up
    to the rounding of picoseconds. A line through two known times therefore ends near the time
    that is looked for: false position, with halving where it lingers on one side (Illinois).

    Examples
    --------
    >>> crossing(lambda rate: 1000 / rate - 7, 1, 10**18)
    143
    """
    above, below, side, taken = late(slow), late(fast), 0, 0
    edge = float(precision) / 3
    while fast - slow > 1 and fast - slow > fast * precision:
        taken += 1
        middle = (slow + fast) // 2 if taken > HALVING else _between(slow, fast, above, below, edge)
        value = late(middle)
        if value <= 0:
            fast, below = middle, value
            above = above / 2 if side < 0 else above
            side = -1
        else:
            slow, above = middle, value
            below = below / 2 if side > 0 else below
            side = 1
    return fast


def _between(slow: int, fast: int, above: float, below: float, edge: float) -> int:
    """Where the line through two times, drawn over the time of a unit, crosses the limit."""
    share = above / (above - below) if above < float("inf") else 1.0
    share = min(max(share, edge), 1 - edge)
    guess = 1 / (1 / slow + (1 / fast - 1 / slow) * share) if above < float("inf") else slow * 8
    return min(max(round(guess), slow + 1), fast - 1)
