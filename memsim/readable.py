"""Quantities as text that people read: three significant digits and a prefix.

The opposite of :mod:`memsim.units`, which reads them exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from memsim.units import SI, TIME, Quantity, RateUnit

__all__ = [
    "format_bytes",
    "format_bytes_exact",
    "format_count",
    "format_rate",
    "format_size",
    "format_time",
]


def format_bytes(count: Quantity) -> str:
    """Write bytes with an SI prefix and three significant digits.

    Examples
    --------
    >>> format_bytes(2_000_000), format_bytes(512), format_bytes(999_999)
    ('2.00 MB', '512 B', '1.00 MB')
    """
    return _scaled(count, "B")


def format_bytes_exact(count: int) -> str:
    """Write every byte, grouped by thousands.

    Examples
    --------
    >>> format_bytes_exact(2_097_152)
    '2,097,152 B'
    """
    return f"{count:,} B"


def format_size(count: int) -> str:
    """Write bytes exactly, as options take them: in the largest unit that they are whole in.

    Examples
    --------
    >>> format_size(65536), format_size(3 << 20), format_size(1000), format_size(0)
    ('64KiB', '3MiB', '1000', '0')
    """
    units = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)) if count else ()
    return next((f"{count // unit}{name}" for name, unit in units if not count % unit), str(count))


def format_count(count: Quantity) -> str:
    """Write a plain count with an SI prefix and three significant digits.

    Examples
    --------
    >>> format_count(4_246_114_304), format_count(12)
    ('4.25 G', '12')
    """
    return _scaled(count, "").rstrip()


def format_rate(rate: Quantity, unit: RateUnit = "B") -> str:
    """Write a rate per second with an SI prefix and three significant digits.

    Examples
    --------
    >>> format_rate(25_600_000_000), format_rate(5e11, "MAC")
    ('25.6 GB/s', '500 GMAC/s')
    """
    return _scaled(rate, f"{unit}/s")


def format_time(picoseconds: Quantity) -> str:
    """Write picoseconds in the unit that suits them, with three significant digits.

    Examples
    --------
    >>> format_time(12_345_678_901), format_time(100_000), format_time(0)
    ('12.3 ms', '100 ns', '0 s')
    """
    return _scaled(picoseconds, "", dict(reversed(TIME.items())), zero="s")


def _scaled(value: Quantity, unit: str, prefixes: Mapping[str, int] = SI, zero: str = "") -> str:
    """Write ``value`` with three significant digits under the largest prefix that fits.

    Rounds half to even on the exact value, so the text never depends on how a
    float was rounded. Whole numbers below the first step keep all their digits.
    """
    number = value if isinstance(value, int) else Fraction(value)
    top, bottom = abs(number.numerator), number.denominator
    sign = "-" if number < 0 else ""
    if not top:
        return f"0 {zero or unit}"
    prefix, factor = next(iter(prefixes.items()))
    digits, places = _three_digits(top, bottom * factor, whole=True)
    for name, step in prefixes.items():
        if digits * factor < step * 10**places:
            break  # what would be shown, rounded, stays below this step
        prefix, factor = name, step
        digits, places = _three_digits(top, bottom * factor, whole=factor == 1)
    text = f"{digits:0{places + 1}d}"
    if places:
        text = f"{text[:-places]}.{text[-places:]}"
    return f"{sign}{text} {prefix}{unit}"


def _three_digits(top: int, bottom: int, whole: bool) -> tuple[int, int]:
    """Three significant digits of a positive fraction, and how many of them are decimal places.

    A whole number below 1000 is left as it is.
    """
    places = 0 if whole and top % bottom == 0 else 2
    digits = _rounded(top * 10**places, bottom)
    while places and digits >= 1000:
        places -= 1
        digits = _rounded(top * 10**places, bottom)
    return digits, places


def _rounded(top: int, bottom: int) -> int:
    """The integer next to a fraction, half to even."""
    whole, rest = divmod(top, bottom)
    return whole + (2 * rest > bottom or (2 * rest == bottom and whole % 2))
