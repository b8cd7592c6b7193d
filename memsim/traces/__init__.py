"""Traces: a run as other programs read it, event by event or request by request.

>>> import memsim
>>> from memsim.traces import FORMATS, TraceOptions
>>> result = memsim.run("resnet18")
>>> text = b"".join(FORMATS["dramsim3"](result, TraceOptions())).decode()
>>> text.splitlines()[0]
'0x0 READ 0'
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from memsim.files import write_chunks
from memsim.registry import Registry
from memsim.results.run import Result
from memsim.traces.dram_simulators import dramsim3, ramulator2
from memsim.traces.perfetto import perfetto
from memsim.traces.scalesim_reports import scalesim
from memsim.traces.trace_options import TraceOptions, refuse_idle

Format = Callable[[Result, TraceOptions], Iterator[bytes]]

FORMATS: Registry[Format] = Registry("trace format")
"""Every format by name: (result, options) -> the file, in parts."""

FORMATS.add("perfetto", perfetto)
FORMATS.add("ramulator2", ramulator2)
FORMATS.add("dramsim3", dramsim3)
FORMATS.add("csv", scalesim)


HEEDS = {
    "perfetto": (),
    "ramulator2": ("limit",),
    "dramsim3": ("cycle", "limit"),
    "csv": ("cycle",),
}
"""What each format heeds of :class:`TraceOptions`."""

TIMELESS = ("ramulator2",)
"""Formats that tell no times."""

OF_REQUESTS = ("ramulator2", "dramsim3")
"""Formats of requests, each of which has an address."""


def write_trace(
    result: Result,
    path: str | os.PathLike[str],
    format: str = "perfetto",
    options: TraceOptions | None = None,
) -> None:
    """Write a trace to a file as it is made, whole or not at all.

    Parameters
    ----------
    result : Result
    path : str or path
    format : str
        A key of :data:`FORMATS`: ``perfetto``, ``ramulator2``, ``dramsim3`` or ``csv``.
    options : TraceOptions, optional

    Raises
    ------
    InputError
        For an unknown format, for options that it does not heed, or where the file cannot be
        written.
    SimulationError
        If there would be too many requests.
    """
    write, form = FORMATS[format], options or TraceOptions()
    refuse_idle(format, HEEDS[format], form)
    write_chunks(path, write(result, form))


__all__ = [
    "FORMATS",
    "HEEDS",
    "OF_REQUESTS",
    "TIMELESS",
    "TraceOptions",
    "refuse_idle",
    "write_trace",
]
