"""Layers as CSV in SCALE-Sim's style: its columns, its cycles, its words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.cache.cachepass import transfers
from memsim.engines.cache.transfers import Flow
from memsim.program.kernel import Role
from memsim.results.run import Result
from memsim.traces.options import TraceOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

CYCLE_PS = 1000
"""A cycle where nobody says otherwise: 1 GHz."""

COLUMNS = (
    "LayerID", "Layer Name", "Total Cycles", "Stall Cycles", "Overall Util %",
    "Avg IFMAP DRAM BW", "Avg FILTER DRAM BW", "Avg OFMAP DRAM BW",
    "DRAM IFMAP Start Cycle", "DRAM IFMAP Stop Cycle", "DRAM IFMAP Reads",
    "DRAM Filter Start Cycle", "DRAM Filter Stop Cycle", "DRAM Filter Reads",
    "DRAM OFMAP Start Cycle", "DRAM OFMAP Stop Cycle", "DRAM OFMAP Writes",
)  # fmt: skip
"""Those of SCALE-Sim's COMPUTE, BANDWIDTH and DETAILED_ACCESS reports that memsim knows."""


def scalesim(result: Result, options: TraceOptions) -> Iterator[bytes]:
    """One row per kernel, with the columns of SCALE-Sim v2's reports.

    Reads and writes are words (elements), bandwidths are words per cycle over the layer's time,
    and a start or stop without a transfer is empty. Reads of feature maps, of residuals and of
    concat operands are IFMAP reads; writes are charged to the layer that produces them, which
    may be before they happen. Times are rounded down to cycles.
    """
    cycle = options.cycle_ps or CYCLE_PS
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    itemsize = result.program.kernels[0].output.itemsize
    columns = _columns(result)
    for number, layer in enumerate(result.layers):
        cycles = layer.time_ps / cycle
        words = {name: int(column[0][number]) // itemsize for name, column in columns.items()}
        row: list[Any] = [
            number,
            layer.name,
            layer.time_ps // cycle,
            layer.stall_ps // cycle,
            round(100 * layer.compute_ps / layer.time_ps, 3) if layer.time_ps else 0.0,
        ]
        row += [round(amount / cycles, 6) if cycles else 0.0 for amount in words.values()]
        for name, (moved, start, stop) in columns.items():
            there = moved[number] > 0
            row += [start[number] // cycle, stop[number] // cycle] if there else ["", ""]
            row.append(words[name])
        writer.writerow(row)
    yield out.getvalue().encode()


def _columns(result: Result) -> dict[str, tuple[Ints, Ints, Ints]]:
    """Bytes, first and last picosecond of each kind of transfer, per kernel."""
    program, traffic = result.program, result.traffic.traffic
    first, refetch, spill, written = range(4)
    found = transfers(program, result.machine.cache)
    weights = program.touch_role[found.fetches.of] == Role.WEIGHT
    reads = traffic[:, :, [first, refetch]].sum(axis=2)
    writes = traffic[:, :, [spill, written]].sum(axis=(1, 2))
    filters = reads[:, Role.WEIGHT]
    return {
        "ifmap": (reads.sum(axis=1) - filters, *_when(result, _chosen(found.fetches, ~weights))),
        "filter": (filters, *_when(result, _chosen(found.fetches, weights))),
        "ofmap": (
            writes,
            *_when(result, [*_chosen(found.spills), *_chosen(found.results)]),
        ),
    }


def _chosen(moves: Flow, which: Any = slice(None)) -> list[tuple[Ints, Ints]]:
    return [(moves.of[which], moves.at[which])]


def _when(result: Result, moves: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """First start and last end on the channel, by the kernel that transfers are charged to."""
    program, line = result.program, result.timeline
    of, at = (np.concatenate(column) for column in zip(*moves, strict=True))
    kernel, task = program.task_kernel[program.touch_task[of]], program.touch_task[at]
    store = program.touch_write[at]
    begin = np.where(store, line.store_start[task], line.load_start[task])
    end = np.where(store, line.store_end[task], line.load_end[task])
    start = np.full(len(program.kernels), np.iinfo(np.int64).max)
    stop = np.zeros(len(program.kernels), np.int64)
    np.minimum.at(start, kernel, begin)
    np.maximum.at(stop, kernel, end)
    return start, stop
