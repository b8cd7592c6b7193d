"""Quantities as people write them, held exactly.

``2MB`` is 2,000,000 bytes and ``2MiB`` is 2,097,152: SI and IEC 80000-13
prefixes, nothing else. Sizes become ``int`` bytes, rates become ``Fraction``
per second, durations become ``int`` picoseconds; no float is involved, so
``25.6GB/s`` is exactly 25,600,000,000. Every quantity is at most 10**18 in its
base unit and therefore fits a signed 64-bit integer; longer texts and larger
exponents are refused before any arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from math import ceil
from numbers import Rational
from typing import Literal

from memsim.errors import InputError, Problem

__all__ = [
    "LIMIT",
    "Kind",
    "PICOSECONDS",
    "SI",
    "TIME",
    "Quantity",
    "RateUnit",
    "duration",
    "other_reading",
    "parse_bytes",
    "parse_duration",
    "parse_percent",
    "parse_rate",
    "read_as",
]

Quantity = str | int | float | Fraction
"""What a parser accepts: text with a unit, or a number in the base unit."""

RateUnit = Literal["B", "MAC", "op"]
"""What a rate counts: bytes, multiply-accumulates, elementwise operations."""

LIMIT = 10**18
"""The largest quantity, in bytes, per second or picoseconds."""

_LONGEST_TEXT = 64
_LARGEST_EXPONENT = 30
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<digits>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE](?P<exponent>[+-]?[0-9]+))?"
    r"\s*(?P<unit>[^\W\d_]*(?:/[a-z]+)?)"
)

SI = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
"""SI prefixes and their factors."""

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}
_SPELLINGS = {"k": "K", "Ki": "ki"}  # the other case, accepted but not advertised
_TWINS = {  # what a factor means to who reads the prefix the other way
    factor: twin
    for si, binary in zip(list(SI.items())[1:], _BINARY.items(), strict=True)
    for factor, twin in ((si[1], binary), (binary[1], si))
}
PICOSECONDS = 10**12
"""In a second."""

TIME = {"s": PICOSECONDS, "ms": 10**9, "us": 10**6, "ns": 10**3, "ps": 1}
"""Units of time in picoseconds."""


@dataclass(frozen=True)
class Kind:
    """One kind of quantity: its name, its units and whether it may be zero."""

    noun: str
    example: str
    base: str
    units: Mapping[str, int]  # advertised spellings, smallest first
    spellings: Mapping[str, int]  # every accepted spelling
    zero: bool = True


def _kind(
    noun: str,
    example: str,
    base: str,
    prefixes: dict[str, int],
    suffixes: tuple[str, ...],
    zero: bool,
) -> Kind:
    """Cross the prefixes with the suffixes; the first suffix is the advertised one."""
    accepted = prefixes | {_SPELLINGS[p]: n for p, n in prefixes.items() if p in _SPELLINGS}
    return Kind(
        noun,
        example,
        base,
        {p + suffixes[0]: n for p, n in sorted(prefixes.items(), key=lambda item: item[1])},
        {p + suffix: n for suffix in suffixes for p, n in accepted.items()},
        zero,
    )


_ALL = SI | _BINARY
_BYTES = _kind("size", "2MB, 512KiB or a number of bytes", "bytes", _ALL, ("B", ""), True)
_RATES: dict[str, Kind] = {
    "B": _kind(
        "bandwidth",
        "25.6GB/s or a number of B/s",
        "B/s",
        _ALL,
        ("B/s", "B", "", "/s"),
        False,
    ),
    "MAC": _kind(
        "compute rate",
        "0.5TMAC/s, 500G or a number of MAC/s",
        "MAC/s",
        SI,
        ("MAC/s", "MACs/s", "MAC", "MACs", "", "/s"),
        False,
    ),
    "op": _kind(
        "rate",
        "64Gop/s or a number of op/s",
        "op/s",
        SI,
        ("op/s", "ops/s", "op", "ops", "", "/s"),
        False,
    ),
}
_DURATION = Kind(
    "duration",
    "100ns, 5us or a number of seconds",
    "seconds",
    dict(reversed(TIME.items())),
    TIME | {"": 10**12, "\N{MICRO SIGN}s": 10**6, "\N{GREEK SMALL LETTER MU}s": 10**6},
)
_PERCENT = Kind("percentage", "10%", "per cent", {"%": 1}, {"": 1})


def parse_bytes(value: Quantity) -> int:
    """Read a size in bytes.

    Parameters
    ----------
    value : str, int, float or Fraction
        ``"2MB"``, ``"512 KiB"``, ``"64k"``; a bare number counts bytes. ``k`` and
        ``K`` are the same prefix; ``b`` (bits) is not accepted.

    Returns
    -------
    int
        Bytes, from 0 to 10**18.

    Raises
    ------
    InputError
        Not a number, negative, not a whole number of bytes, unknown unit, or out
        of range.

    References
    ----------
    IEC 80000-13:2008, Quantities and units, part 13: the binary prefixes Ki, Mi, Gi.

    Examples
    --------
    >>> parse_bytes("2MB"), parse_bytes("2MiB"), parse_bytes("1.5 kB"), parse_bytes(4096)
    (2000000, 2097152, 1500, 4096)
    >>> parse_bytes("2 MX")
    Traceback (most recent call last):
    memsim.errors.InputError: '2 MX' is not a size: unknown unit 'MX' (did you mean 'MB'?)
    """
    number = read_as(value, _BYTES)
    if number.denominator != 1:
        raise _fault(value, _BYTES, "it must be a whole number of bytes", _expected(_BYTES))
    return number.numerator


def parse_rate(value: Quantity, unit: RateUnit) -> Fraction:
    """Read a rate per second.

    Parameters
    ----------
    value : str, int, float or Fraction
        ``"25.6GB/s"``, ``"0.5TMAC/s"``, ``"500G"``; the unit and ``/s`` may be left
        out, a bare number counts ``unit`` per second. A float is taken as the
        decimal number it prints as.
    unit : {"B", "MAC", "op"}
        What is counted. Binary prefixes only go with bytes.

    Returns
    -------
    Fraction
        Per second, exact; greater than 0, at least 1 and at most 10**18.

    Raises
    ------
    InputError
        Not a number, zero or negative, unknown unit, or out of range.

    Examples
    --------
    >>> parse_rate("25.6 GB/s", "B")
    Fraction(25600000000, 1)
    >>> parse_rate("0.5T", "MAC") == parse_rate(5e11, "MAC")
    True
    >>> parse_rate("1 TFLOPS", "MAC")
    Traceback (most recent call last):
    memsim.errors.InputError: '1 TFLOPS' is not a compute rate: unknown unit 'TFLOPS' \
(one MAC is two operations: give half of it in MAC/s)
    """
    kind = _RATES[unit]
    number = read_as(value, kind)
    if number < 1:
        raise _fault(value, kind, f"it must be at least 1 {kind.base}", _expected(kind))
    return number


def parse_duration(value: Quantity) -> int:
    """Read a duration in integer picoseconds, rounded up.

    Parameters
    ----------
    value : str, int, float or Fraction
        ``"100ns"``, ``"5us"``; a bare number counts SECONDS.

    Returns
    -------
    int
        Picoseconds, from 0 to 10**18.

    Raises
    ------
    InputError
        Not a number, negative, unknown unit, or out of range.

    Examples
    --------
    >>> parse_duration("100ns"), parse_duration("5us"), parse_duration(0.001)
    (100000, 5000000, 1000000000)
    >>> parse_duration("0.1ps")
    1
    """
    return ceil(read_as(value, _DURATION))


def duration(amount: int, rate: Fraction) -> int:
    """Picoseconds for ``amount`` at ``rate`` per second, rounded up, without rounding error.

    Examples
    --------
    >>> duration(1, Fraction(10**12)), duration(1, Fraction(3, 2) * 10**12)
    (1, 1)
    >>> duration(64, Fraction(25_600_000_000))
    2500
    """
    return -(-amount * PICOSECONDS * rate.denominator // rate.numerator)


def parse_percent(value: Quantity) -> Fraction:
    """Read a percentage as the share that it is.

    Parameters
    ----------
    value : str, int, float or Fraction
        ``"10%"``; the sign may be left out, and a bare number counts per cent, too.

    Returns
    -------
    Fraction
        The share: a hundredth of the number, from 0 on.

    Raises
    ------
    InputError
        Not a number, negative, or out of range.

    Examples
    --------
    >>> parse_percent("10%"), parse_percent(2.5)
    (Fraction(1, 10), Fraction(1, 40))
    """
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
    return read_as(value, _PERCENT) / 100


def other_reading(value: object) -> str:
    """Tell what a size would be with the other kind of prefix, or ``""``.

    Parameters
    ----------
    value : object
        A size as the user wrote it. Anything without a decimal or binary prefix,
        zero, and what :func:`parse_bytes` refuses has no other reading.

    Examples
    --------
    >>> other_reading("2MB")
    '2 MiB would be 2,097,152 B'
    >>> other_reading("2 MiB")
    '2 MB would be 2,000,000 B'
    >>> other_reading(2_000_000)
    ''
    """
    if not isinstance(value, str):
        return ""
    try:
        size = parse_bytes(value)
    except InputError:
        return ""
    number, unit = _split(value, _BYTES)
    twin = _TWINS.get(_BYTES.spellings[unit])
    if twin is None or size == 0:
        return ""
    prefix, factor = twin
    other = number * factor
    if other.denominator != 1 or other > LIMIT:
        return ""
    written = value.strip().removesuffix(unit).rstrip()
    return f"{written} {prefix}B would be {other.numerator:,} B"


def read_as(value: Quantity, kind: Kind) -> Fraction:
    """Return ``value`` in bytes, per second or picoseconds; check sign and range."""
    number, unit = _split(value, kind)
    if unit not in kind.spellings:
        raise _fault(value, kind, f"unknown unit {unit!r}", _unit_hint(unit, kind))
    number *= kind.spellings[unit]
    if number < 0:
        raise _fault(value, kind, "it must not be negative", _expected(kind))
    if not number and not kind.zero:
        raise _fault(value, kind, "it must be greater than zero", _expected(kind))
    if number > LIMIT:
        raise _fault(value, kind, "it is too large", _largest(kind))
    return number


def _split(value: Quantity, kind: Kind) -> tuple[Fraction, str]:
    """Split a quantity into its exact number and its unit (``""`` for none)."""
    if isinstance(value, bool):
        raise _fault(value, kind, "it is a truth value", _expected(kind))
    if isinstance(value, Rational):  # int, NumPy integers, Fraction
        return Fraction(int(value.numerator), int(value.denominator)), ""
    if isinstance(value, float):
        text = repr(float(value))  # the shortest decimal that prints as it, 0.1 and not 0.1000...5
    elif isinstance(value, str):
        text = value.strip()
    else:
        raise _fault(value, kind, "it is neither text nor a number", _expected(kind))
    if not text:
        raise _fault(value, kind, "it is empty", _expected(kind))
    if len(text) > _LONGEST_TEXT:
        raise _fault(value, kind, f"it is longer than {_LONGEST_TEXT} characters", _expected(kind))
    match = _NUMBER.fullmatch(text)
    if match is None:
        finite = text.lower().lstrip("+-") not in {"nan", "inf", "infinity"}
        reason = "it does not start with a plain number" if finite else "it must be finite"
        raise _fault(value, kind, reason, _expected(kind))
    exponent = int(match["exponent"] or 0)
    if exponent > _LARGEST_EXPONENT:
        raise _fault(value, kind, "it is too large", _largest(kind))
    if exponent < -_LARGEST_EXPONENT:
        reason = f"its exponent is below -{_LARGEST_EXPONENT}"
        raise _fault(value, kind, reason, _expected(kind))
    number = Fraction(match["digits"]) * Fraction(10) ** exponent
    return (-number if match["sign"] == "-" else number), match["unit"]


def _fault(value: object, kind: Kind, reason: str, hint: str) -> InputError:
    if isinstance(value, str):
        shown = repr(value if len(value) <= 40 else f"{value[:37]}...")
    elif value is None or isinstance(value, float | bool):
        shown = str(value)
    elif isinstance(value, Rational):  # turning a huge one into text takes long
        shown = str(value) if abs(Fraction(value)) < 10**40 else "a huge number"
    else:
        shown = f"a {type(value).__name__}"
    return InputError(Problem(f"{shown} is not a {kind.noun}: {reason}", hint=hint))


def _expected(kind: Kind) -> str:
    return f"expected a {kind.noun} such as {kind.example}"


def _largest(kind: Kind) -> str:
    one = kind.spellings.get("", 1)
    return f"at most 1e{len(str(LIMIT // one)) - 1} {kind.base}"


def _unit_hint(unit: str, kind: Kind) -> str:
    """Return a did-you-mean: the same unit in another case first, then the nearest."""
    if kind is _RATES["MAC"] and re.search(r"FL?OPS?(/s)?$|OPS?(/s)?$", unit, re.IGNORECASE):
        return "one MAC is two operations: give half of it in MAC/s"
    same = [known for known in kind.units if known.lower() == unit.lower()]
    near = same or get_close_matches(unit, kind.units, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(kind.units)}"
