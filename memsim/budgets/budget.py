"""A budget: a limit whose unit says of what, and the cache and bandwidth at which it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

from memsim.errors import InputError, Problem, did_you_mean
from memsim.results.inverse.goal import ENERGY, FPS, TIME, TRAFFIC
from memsim.simulate.goals import READERS
from memsim.units import SI, Kind, parse_bytes, parse_rate, read_as

__all__ = ["MACS", "PARAMS", "STATIC", "TIMED", "Budget", "budgets_of"]

MACS, PARAMS = "macs", "params"

STATIC = (MACS, PARAMS)
"""What a network alone tells."""

TIMED = (TIME, FPS)
"""What depends on the bandwidth."""

EXAMPLES = "such as 80MB of traffic, 10ms, 30fps, 20mJ, 2GMACs or 5Mparams"

_SUFFIXES = {MACS: ("MAC", "MACs"), PARAMS: ("params", "parameters")}


def _counted(noun: str, example: str, suffixes: Iterable[str]) -> Kind:
    spelled = {prefix + suffix: n for suffix in suffixes for prefix, n in SI.items()}
    return Kind(noun, example, noun, spelled, {**spelled, "": 1})


_MACS = _counted("number of MACs", "2GMACs", _SUFFIXES[MACS])
_PARAMS = _counted("number of parameters", "5Mparams", _SUFFIXES[PARAMS])

_READ: dict[str, Callable[[str], Fraction]] = {
    **{name: READERS[name] for name in (TRAFFIC, TIME, FPS, ENERGY)},
    MACS: lambda text: read_as(text, _MACS),
    PARAMS: lambda text: read_as(text, _PARAMS),
}

_UNITS = {
    TIME: {"s", "ms", "us", "ns", "ps", "\N{MICRO SIGN}s", "\N{GREEK SMALL LETTER MU}s"},
    FPS: {"fps", "FPS"},
    TRAFFIC: {p + i + "B" for p in ("", *"kKMGTP") for i in ("", "i") if p or not i},
    ENERGY: {p + "J" for p in ("p", "n", "u", "m", "", "k", "\N{MICRO SIGN}")},
    MACS: set(_MACS.units),
    PARAMS: set(_PARAMS.units),
}
"""What a unit says that a budget is of."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit that a network keeps to.

    Attributes
    ----------
    text : str
        As it was written.
    of : str
        ``traffic``, ``time``, ``fps``, ``energy``, ``macs`` or ``params``.
    limit : Fraction
        Bytes, picoseconds, inferences per second, joules, or a number; the most of it, and of
        ``fps`` the least.
    cache : int or None
        Bytes; None: the machine's.
    bandwidth : Fraction or None
        Bytes per second; None: the machine's.
    """

    text: str
    of: str
    limit: Fraction
    cache: int | None = None
    bandwidth: Fraction | None = None

    @classmethod
    def of_text(cls, text: str) -> Budget:
        """Read ``LIMIT``, ``LIMIT@CACHE`` or ``LIMIT@CACHE/BANDWIDTH``.

        Raises
        ------
        InputError
            For a limit without unit or with one that says nothing, a cache or a bandwidth that is
            none, and one that changes nothing of what the budget is of.

        Examples
        --------
        >>> budget = Budget.of_text("10ms@2MiB/25.6GB/s")
        >>> budget.of, int(budget.limit), budget.cache, int(budget.bandwidth)
        ('time', 10000000000, 2097152, 25600000000)
        >>> Budget.of_text("80@1MiB")
        Traceback (most recent call last):
        memsim.errors.InputError: budget '80@1MiB': '80' has no unit \
(such as 80MB of traffic, 10ms, 30fps, 20mJ, 2GMACs or 5Mparams)
        """
        try:
            return cls._read(text)
        except InputError as error:
            at = f"budget {text[:60]!r}"
            told = (Problem(each.message, at, each.hint) for each in error.problems)
            raise InputError(*told) from None

    @classmethod
    def _read(cls, text: str) -> Budget:
        value, at, place = text.strip().partition("@")
        of = _of(value.strip())
        limit = _READ[of](value.strip())
        if not at:
            return cls(text, of, limit)
        size, slash, rate = place.partition("/")
        if of in STATIC:
            message = f"{value.strip()} depends on no cache"
            raise InputError(Problem(message, hint=f"{value.strip()} alone"))
        if rate == "s":
            message = f"{place.strip()!r} is a bandwidth, and the cache comes first"
            raise InputError(Problem(message, hint="such as 10ms@2MiB/25.6GB/s"))
        cache = parse_bytes(size)
        if not slash:
            return cls(text, of, limit, cache)
        if of not in TIMED:
            message = f"no bandwidth changes {NOUNS[of]}"
            raise InputError(Problem(message, hint=f"{value.strip()}@{size.strip()}"))
        return cls(text, of, limit, cache, parse_rate(rate, "B"))


NOUNS = {
    TRAFFIC: "DRAM traffic",
    TIME: "time",
    FPS: "frame rate",
    ENERGY: "energy",
    MACS: "MACs",
    PARAMS: "parameters",
}
"""What people call it."""


def _of(value: str) -> str:
    """What a limit is of, by its unit."""
    unit = re.sub(r"^[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*", "", value)
    for of, units in _UNITS.items():
        if unit in units:
            return of
    if not unit or unit in SI or unit in ("K", "Ki", "Mi", "Gi", "Ti", "Pi"):
        raise InputError(Problem(f"{value!r} has no unit", hint=EXAMPLES))
    near = did_you_mean(unit, [each for units in _UNITS.values() for each in units])
    hint = near if near.startswith("did") else EXAMPLES
    raise InputError(Problem(f"unknown unit {unit[:40]!r}", hint=hint))


def budgets_of(texts: Iterable[str] | str) -> tuple[Budget, ...]:
    """Read several; all that is wrong with them is told at once.

    Raises
    ------
    InputError
        As :meth:`Budget.of_text`, and for none at all or one that is given twice.

    Examples
    --------
    >>> [budget.of for budget in budgets_of(["80MB@1MiB", "30fps", "5Mparams"])]
    ['traffic', 'fps', 'params']
    """
    listed = [texts] if isinstance(texts, str) else list(texts)
    found: list[Budget] = []
    problems: list[Problem] = []
    for text in listed:
        try:
            found.append(Budget.of_text(text))
        except InputError as error:
            problems += error.problems
    if not listed:
        problems.append(Problem("there is no budget to keep to", hint=EXAMPLES))
    for text in dict.fromkeys(text for text in listed if listed.count(text) > 1):
        problems.append(Problem("is given twice", f"budget {text[:60]!r}", "once is enough"))
    if problems:
        raise InputError(*problems)
    return tuple(found)
