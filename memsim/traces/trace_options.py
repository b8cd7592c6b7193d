"""Trace options: the cycle that a trace counts in, and how long it may be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from memsim.errors import InputError, Problem
from memsim.results.run import Result
from memsim.units import duration

MOST_REQUESTS = 20_000_000
"""Longest request trace where nobody asks for a longer one: some 500 MB of text."""

BEATS = 8
"""Data transfers of a burst (BL8); there are two in each cycle of the DRAM's clock."""


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """How a trace is written.

    Attributes
    ----------
    cycle_ps : int or None
        Picoseconds of a cycle, in formats that count cycles. None: the format's own choice.
    most_requests : int
        Requests beyond which a request trace is refused.
    """

    cycle_ps: int | None = None
    most_requests: int = MOST_REQUESTS


def refuse_idle(format: str, heeds: Collection[str], options: TraceOptions) -> None:
    """Refuse what a format does not heed.

    Raises
    ------
    InputError

    Examples
    --------
    >>> refuse_idle("perfetto", (), TraceOptions(cycle_ps=625))
    Traceback (most recent call last):
    memsim.errors.InputError: cycle: perfetto counts no cycles (dramsim3 and csv do)
    """
    if options.cycle_ps is not None and "cycle" not in heeds:
        message, hint = f"{format} counts no cycles", "dramsim3 and csv do"
        raise InputError(Problem(message, path="cycle", hint=hint))
    if options.most_requests != MOST_REQUESTS and "limit" not in heeds:
        message, hint = f"{format} lists no requests", "ramulator2 and dramsim3 do"
        raise InputError(Problem(message, path="limit", hint=hint))


def dram_cycle_ps(result: Result) -> int:
    """The DRAM's clock as far as a machine tells it: a burst takes four cycles (BL8, DDR).

    Examples
    --------
    >>> import memsim
    >>> dram_cycle_ps(memsim.run("resnet18", machine="textbook"))  # 64 B at 25.6 GB/s: DDR4-3200
    625
    """
    dram = result.machine.dram
    return max(1, duration(dram.burst, dram.bandwidth) * 2 // BEATS)
