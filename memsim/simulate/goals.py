"""Goals as they are given: one of several options, each with a unit of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from memsim.errors import InputError, Problem, at_path
from memsim.results.inverse.goal import ENERGY, FPS, STALL, TIME, TRAFFIC, WITHIN, Goal
from memsim.units import (
    Kind,
    Quantity,
    parse_bytes,
    parse_duration,
    parse_percent,
    read_as,
)

_PER_S = {"": 1, "fps": 1, "FPS": 1, "/s": 1}
_FRAME_RATE = Kind("frame rate", "30 or 29.97fps", "per second", {"fps": 1}, _PER_S, zero=False)

_JOULES = {"pJ": 1, "nJ": 10**3, "uJ": 10**6, "mJ": 10**9, "J": 10**12, "kJ": 10**15}
_ENERGY = Kind(
    "quantity of energy",
    "20mJ, 500uJ or a number of joules",
    "J",
    _JOULES,
    _JOULES | {"": 10**12, "\N{MICRO SIGN}J": 10**6, "\N{GREEK SMALL LETTER MU}J": 10**6},
)


def _time(value: Quantity) -> Fraction:
    duration = parse_duration(value)
    if not duration:
        raise InputError(Problem("nothing is done in no time", hint="such as 10ms"))
    return Fraction(duration)


def _stall(value: Quantity) -> Fraction:
    share = parse_percent(value)
    if share >= 1:
        message = f"{float(share * 100):g}% of the time and more is never stalls alone"
        raise InputError(Problem(message, hint="such as 5%"))
    return share


READERS: dict[str, Callable[[Quantity], Fraction]] = {
    TRAFFIC: lambda value: Fraction(parse_bytes(value)),
    WITHIN: parse_percent,
    TIME: _time,
    FPS: lambda value: read_as(value, _FRAME_RATE),
    STALL: _stall,
    ENERGY: lambda value: read_as(value, _ENERGY) / 10**12,
}
"""How the value of each goal is read."""


def goal_of(given: Mapping[str, Quantity | None], allowed: tuple[str, ...] | None = None) -> Goal:
    """The one goal of those that may be given.

    Parameters
    ----------
    given : mapping
        By the names of :data:`READERS`; None stands for a goal that was not given.
    allowed : tuple of str, optional
        The goals that there are to choose from; left out: all.

    Raises
    ------
    InputError
        For none or more than one, and for a value that is not of its unit.

    Examples
    --------
    >>> goal_of({"fps": "30"})
    Goal(name='fps', limit=Fraction(30, 1))
    >>> goal_of({"energy": "20ms"})
    Traceback (most recent call last):
    memsim.errors.InputError: energy: '20ms' is not a quantity of energy: unknown unit 'ms' \
(did you mean 'mJ'?)
    """
    names = [name for name in given if given[name] is not None]
    choice = allowed or tuple(READERS)
    if len(names) != 1:
        message = f"give one goal of {', '.join(choice[:-1])} and {choice[-1]}"
        message += f", not {' and '.join(names)}" if names else ""
        hint = "such as fps 30" if FPS in choice else ""
        raise InputError(Problem(message, hint=hint))
    (name,) = names
    value = given[name]
    assert value is not None
    with at_path(name):
        return Goal(name, READERS[name](value))
