"""Twice the bandwidth."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from memsim.explanations.question import Change, Question
from memsim.readable import format_rate
from memsim.results.run import Result


def twice_the_bandwidth(question: Question, result: Result) -> Iterator[Change]:
    """DRAM of twice the peak bandwidth; how much of it is reached stays."""
    rate = 2 * result.machine.dram.bandwidth
    yield Change(f"2x bandwidth, {format_rate(rate)}", {"bandwidth": _said(rate)})


def _said(rate: Fraction) -> str:
    """A rate as an option says it, exactly.

    >>> _said(Fraction(25_600_000_000)), _said(Fraction(25_600_000_001))
    ('25.6GB/s', '25600000001B/s')
    """
    short = f"{float(rate) / 1e9:.10g}"
    whole = rate.numerator if rate.denominator == 1 else float(rate)
    return f"{short}GB/s" if Fraction(short) * 10**9 == rate else f"{whole}B/s"
