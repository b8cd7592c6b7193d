"""Layers as CSV in SCALE-Sim's style: its columns, its cycles, its words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from memsim.errors import InputError, Problem
from memsim.files import shown_as_text
from memsim.results.details.operand_transfers import operand_transfers
from memsim.results.run import Result
from memsim.traces.trace_options import TraceOptions

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

    Raises
    ------
    InputError
        For several frames.
    """
    if result.program.frames > 1:
        hint = "perfetto, ramulator2 and dramsim3 take several"
        message = "a row per layer, with where it starts and stops, is of one inference"
        raise InputError(Problem(message, path="frames", hint=hint))
    cycle = options.cycle_ps or CYCLE_PS
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    itemsize = result.program.kernels[0].output.itemsize
    operands = operand_transfers(result)
    for number, layer in enumerate(result.layers):
        cycles = layer.time_ps / cycle
        words = {name: int(each.nbytes[number]) // itemsize for name, each in operands.items()}
        row: list[Any] = [
            number,
            shown_as_text(layer.name),
            layer.time_ps // cycle,
            layer.stall_ps // cycle,
            round(100 * layer.compute_ps / layer.time_ps, 3) if layer.time_ps else 0.0,
        ]
        row += [round(amount / cycles, 6) if cycles else 0.0 for amount in words.values()]
        for name, moved in operands.items():
            times = [moved.start[number] // cycle, moved.stop[number] // cycle]
            row += times if moved.nbytes[number] else ["", ""]
            row.append(words[name])
        writer.writerow(row)
    yield out.getvalue().encode()
