"""Ranges and lists of values, as a sweep's axes are written.

``64KiB:32MiB:log2`` doubles, ``8:24:4`` adds, ``1MB:64MB:20@log`` are so many values of equal
ratio, and ``1,8`` is a list, whose parts may be ranges. A range holds its stop where it meets it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import floor

from memsim.errors import InputError, Problem

__all__ = ["MOST_VALUES", "listed", "parts", "ranged", "refuse_half_range"]

MOST_VALUES = 10_000_000
"""On one axis."""

FORMS = "start:stop:step, start:stop:log2 or start:stop:N@log"

Number = Callable[[object], Fraction | int]


def parts(text: str) -> list[str]:
    """The parts of a list, split at commas outside brackets and quotes.

    Examples
    --------
    >>> parts("1, 8"), parts("[1, 2],3"), parts("'a,b',c")
    (['1', '8'], ['[1, 2]', '3'], ["'a,b'", 'c'])
    """
    if not re.search(r"[\[{'\"]", text):
        return [part.strip() for part in text.split(",")]
    found, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        if letter == "," and not depth and not quote:
            found.append("")
        else:
            found[-1] += letter
    return [part.strip() for part in found]


def refuse_half_range(text: str, read: Number) -> None:
    """Refuse two numbers between which something else stands than in a range.

    Examples
    --------
    >>> from memsim.units import parse_bytes
    >>> refuse_half_range("64KiB:4MiB:log2", parse_bytes)
    >>> refuse_half_range("64KiB..4MiB", parse_bytes)
    Traceback (most recent call last):
    memsim.errors.InputError: '64KiB..4MiB' is no range: it does not say how to go from one to the
    other (64KiB:4MiB:log2 doubles; a range is start:stop:step, start:stop:log2 or start:stop:N@log)
    """
    found = re.fullmatch(
        r"\s*(\S[^:]*?)\s*(?::|\.{2,}|\u2026|\u2013|-|\bto\b)\s*([^:]*\S)\s*", text
    )
    if found is None:
        return
    try:
        read(found[1]), read(found[2])
    except InputError:
        return
    message = f"{text!r} is no range: it does not say how to go from one to the other"
    hint = f"{found[1]}:{found[2]}:log2 doubles; a range is {FORMS}"
    raise InputError(Problem(message, hint=hint))


def listed(text: str) -> bool:
    """Whether a text says several values, or might: it has a comma or is a range.

    Examples
    --------
    >>> listed("2MiB"), listed("1,2"), listed("8:24:4")
    (False, True, True)
    """
    return len(parts(text)) > 1 or text.count(":") == 2


def ranged(text: str, read: Number) -> Iterator[Fraction | int]:
    """The values of a range, ascending; whole where its ends and its step are.

    Parameters
    ----------
    text : str
        ``start:stop:step``, ``start:stop:log2`` or ``start:stop:N@log``.
    read : callable
        Reads one number with its unit, exactly.

    Raises
    ------
    InputError
        If it is none, never ends, or has more than :data:`MOST_VALUES` values.

    Examples
    --------
    >>> from memsim.units import parse_bytes
    >>> list(ranged("64KiB:512KiB:log2", parse_bytes))
    [65536, 131072, 262144, 524288]
    >>> list(ranged("1kB:1MB:4@log", parse_bytes)), list(ranged("8:17:4", parse_bytes))
    ([1000, 10000, 100000, 1000000], [8, 12, 16])
    >>> list(ranged("1MB:2MB:0", parse_bytes))
    Traceback (most recent call last):
    memsim.errors.InputError: '1MB:2MB:0' never ends: its step is 0 (a step above 0)
    """
    words = [word.strip() for word in text.split(":")]
    if len(words) != 3 or not all(words):
        raise InputError(Problem(f"{text!r} is no range", hint=FORMS))
    start, stop = read(words[0]), read(words[1])
    if stop < start:
        problem = Problem(f"{text!r} is empty: its stop is below its start", hint=FORMS)
        raise InputError(problem)
    if words[2] == "log2":
        _above_zero(text, start)
        count = (floor(stop / Fraction(start))).bit_length()
        return (start * 2**power for power in range(count))
    if words[2].endswith("@log"):
        return _of_equal_ratio(text, start, stop, words[2].removesuffix("@log"))
    if "@" in words[2] or re.fullmatch(r"[a-z]+[0-9]*", words[2]):
        raise InputError(Problem(f"{text!r} is no range: unknown step {words[2]!r}", hint=FORMS))
    try:
        step = read(words[2])
    except InputError as error:
        if re.match(r"-|\+?0*(\.0*)?[^\d.]*$", words[2]):
            raise _endless(text, words[2]) from None
        raise error
    if step <= 0:
        raise _endless(text, words[2])
    count = floor((stop - start) / Fraction(step)) + 1
    _check_count(text, count)
    return (start + number * step for number in range(count))


def _endless(text: str, step: str) -> InputError:
    return InputError(Problem(f"{text!r} never ends: its step is {step}", hint="a step above 0"))


def _above_zero(text: str, start: Fraction | int) -> None:
    if start <= 0:
        message = f"{text!r} never ends: from {start} no ratio leads on"
        raise InputError(Problem(message, hint="a start above 0"))


def _of_equal_ratio(
    text: str, start: Fraction | int, stop: Fraction | int, count: str
) -> Iterator[Fraction | int]:
    """So many values of equal ratio, ends included; rounded to whole numbers between whole ends."""
    if not re.fullmatch("[0-9]{1,12}", count) or int(count) < 2:
        problem = Problem(f"{text!r} is no range: {count!r} is no number of values", hint="from 2")
        raise InputError(problem)
    _above_zero(text, start)
    number = int(count)
    _check_count(text, number)
    whole = Fraction(start).denominator == Fraction(stop).denominator == 1
    ratio = float(Fraction(stop) / Fraction(start))
    between = (float(start) * ratio ** (place / (number - 1)) for place in range(1, number - 1))
    found: list[Fraction | int] = [
        start,
        *(round(value) if whole else Fraction(repr(value)) for value in between),
        stop,
    ]
    if len(set(found)) < number:
        message = f"{text!r} has fewer than {number} different values"
        raise InputError(Problem(message, hint="ask for fewer, or widen it"))
    return iter(found)


def _check_count(text: str, count: int) -> None:
    if count > MOST_VALUES:
        message = f"{text!r} has {count:,} values, and an axis has at most {MOST_VALUES:,}"
        raise InputError(Problem(message, hint="a larger step"))
