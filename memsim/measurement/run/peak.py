"""The peak of PyTorch's memory during a forward pass, as its CPU allocator counts it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memsim.errors import SimulationError
from memsim.formats.module.module import import_torch

QUIET = {"KINETO_LOG_LEVEL": "99"}
"""The profiler logs its start and its end otherwise."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Most bytes that a forward pass has allocated at once.

    Parameters and inputs, which are there before, are not among them.

    Attributes
    ----------
    tensor_bytes : int
        Of tensors: what outlives the operator that allocates it, in full from its allocation on.
    allocator_bytes : int
        With what operators allocate for themselves and free before they return, such as the copies
        in other layouts that oneDNN's convolutions make. That depends on the processor.
    """

    tensor_bytes: int
    allocator_bytes: int


def peak_of(run: Callable[[], object]) -> Peak:
    """Run something once under PyTorch's profiler and find the peak.

    Parameters
    ----------
    run : callable
        A forward pass. What it returns is alive at the end.

    Raises
    ------
    SimulationError
        If the profiler tells of no memory.

    Examples
    --------
    >>> import torch                                                 # doctest: +SKIP
    >>> module, x = torch.nn.ReLU(), torch.zeros(1, 3, 32, 32)       # doctest: +SKIP
    >>> peak_of(lambda: module(x))                                   # doctest: +SKIP
    Peak(tensor_bytes=12288, allocator_bytes=12288)
    """
    torch = import_torch()
    profiler = torch.profiler
    with _environment(QUIET):
        with profiler.profile(
            activities=[profiler.ProfilerActivity.CPU], profile_memory=True
        ) as profile:
            result = run()
        with tempfile.TemporaryDirectory(prefix="memsim-") as folder:
            file = Path(folder) / "trace.json"
            profile.export_chrome_trace(str(file))
            events = json.loads(file.read_text("utf-8"))["traceEvents"]
    del result
    peak = peak_in(events)
    if not peak.allocator_bytes:
        raise SimulationError("PyTorch's profiler tells of no allocation: the peak is not known")
    return peak


def peak_in(events: Iterable[Mapping[str, Any]]) -> Peak:
    """Find the peak in a trace of PyTorch's profiler.

    Parameters
    ----------
    events : iterable of mapping
        Chrome trace events: operators (``cat`` is ``cpu_op``, with ``ts`` and ``dur``) and changes
        of memory (``name`` is ``[memory]``, with ``Addr`` and ``Bytes``, negative when freed).

    Examples
    --------
    >>> def memory(ts, address, nbytes):
    ...     return {"name": "[memory]", "ts": ts, "args": {"Addr": address, "Bytes": nbytes}}
    >>> conv = {"name": "aten::conv2d", "cat": "cpu_op", "ts": 10, "dur": 5}
    >>> copy = [memory(11, 1, 100), memory(13, 1, -100)]      # made and freed within the operator
    >>> peak_in([memory(1, 0, 40), conv, *copy, memory(12, 2, 60)])
    Peak(tensor_bytes=100, allocator_bytes=200)
    """
    operators, changes = [], []
    for event in events:
        if event.get("name") == "[memory]":
            changes.append(event)
        elif event.get("cat") == "cpu_op":
            operators.append((event["ts"], event["ts"] + event.get("dur", 0)))
    changes.sort(key=lambda event: event["ts"])
    within = list(_outermost(operators, [event["ts"] for event in changes]))
    open_at: dict[int, int] = {}
    own: set[int] = set()  # numbers of changes that are of an operator alone
    for number, event in enumerate(changes):
        address = event["args"]["Addr"]
        if event["args"]["Bytes"] > 0:
            open_at[address] = number
            continue
        begin = open_at.pop(address, None)
        if begin is not None and within[begin] is not None and within[begin] == within[number]:
            own |= {begin, number}
    everything = [event["args"]["Bytes"] for event in changes]
    tensors = [0 if number in own else nbytes for number, nbytes in enumerate(everything)]
    return Peak(_most(tensors), _most(everything))


def _most(changes: Iterable[int]) -> int:
    most = now = 0
    for change in changes:
        now += change
        most = max(most, now)
    return most


def _outermost(
    operators: list[tuple[float, float]], times: Iterable[float]
) -> Iterator[int | None]:
    """For each time, ascending, the number of the outermost operator that runs then."""
    outer: list[tuple[float, float]] = []
    for begin, end in sorted(operators, key=lambda each: (each[0], -each[1])):
        if not outer or begin >= outer[-1][1]:
            outer.append((begin, end))
    at = 0
    for time in times:
        while at < len(outer) and outer[at][1] < time:
            at += 1
        yield at if at < len(outer) and outer[at][0] <= time else None


@contextmanager
def _environment(own: Mapping[str, str]) -> Iterator[None]:
    """Some variables that are not set otherwise."""
    mine = {name: value for name, value in own.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)
