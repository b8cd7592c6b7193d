"""A scratchpad: memory that a program manages, which knows what will be read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from memsim.engines.cache.cells import LONG_CELLS
from memsim.engines.cache.cells.events import CellEvents
from memsim.engines.cache.cells.lru import cell_lru
from memsim.engines.cache.managements.base import Management
from memsim.engines.cache.trace import LAST, READ, WRITE, WRITE_THROUGH, Events, PartTrace, Trace
from memsim.engines.cache.transfers import Flow, Transfers
from memsim.engines.compiled import LOADED_AFTER, plain_will_do
from memsim.errors import InputError, Problem
from memsim.machine.cache import Cache
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLAINLY = LOADED_AFTER // 3
"""Block accesses that a policy other than ``lru`` serves one by one, in plain Python."""


class Scratchpad(Management):
    """Blocks with their lifetimes: a dead block is dropped, never written back.

    Network outputs are written through to DRAM as they are produced.
    """

    knows_lifetimes: ClassVar[bool] = True
    addressed: ClassVar[bool] = False

    def _check(self, program: Program) -> None:
        if program.spans:
            message = f"{program.options['library']} computes on a hardware cache"
            hint = "management hardware, or library none"
            raise InputError(Problem(f"{message}, and this is a scratchpad", "library", hint))

    def trace(self, program: Program, cache: Cache) -> Trace:
        self._check(program)
        return Trace(
            program.task_start,
            program.access_block,
            codes(program)[program.access_touch],
            program.block_bytes,
            program.access_touch,
        )

    def short_trace(self, program: Program, cache: Cache) -> Trace:
        self._check(program)
        return cell_trace(program)

    def moved(self, program: Program, cache: Cache, *, each: bool = False) -> Transfers:
        """As every cache does it; cell by cell where there is a loop for that."""
        serve = cell_lru if cache.policy == "lru" else LONG_CELLS.get(cache.policy)
        if serve is None or (serve is not cell_lru and plain_will_do(program.accesses, PLAINLY)):
            return super().moved(program, cache, each=each)
        self._check(program)
        return cell_transfers(program, serve(cell_trace(program), cache.size))

    def transfers(self, program: Program, trace: Trace, events: Events) -> Transfers:
        return Transfers.of(program, trace, events, written_through(program))


SCRATCHPAD = Scratchpad()


def cell_transfers(program: Program, events: CellEvents) -> Transfers:
    """The transfers behind what a cache did with a program's cells."""
    cell = program.touch_cell.astype(np.int64)
    at, by = np.flatnonzero(events.fetched), events.written_by
    return Transfers(
        Flow(at, at, events.fetched[at], cell[at]),
        events.again[at],
        Flow(by, events.spilled_at, events.spilled, cell[by]),
        written_through(program),
        events.occupancy,
        events.peak,
    )


def cell_trace(program: Program) -> PartTrace:
    """Accesses to whole cells, the blocks that are only ever accessed together.

    It is several times shorter than the trace of blocks.
    """
    touch = np.arange(len(program.touch_cell), dtype=np.int32)
    return PartTrace(
        program.touch_start, program.touch_cell, codes(program), program.cell_bytes, touch,
        parts=program.cell_block, part=program.block_bytes,
    )  # fmt: skip


def codes(program: Program) -> NDArray[np.uint8]:
    """Per touch, what it asks of a scratchpad."""
    output = program.cell_is_output[program.touch_cell]
    code = np.where(program.touch_write, np.where(output, WRITE_THROUGH, WRITE), READ)
    asked: NDArray[np.uint8] = (code + LAST * program.touch_last).astype(np.uint8)
    return asked


def written_through(program: Program) -> Flow:
    """Network outputs, written to DRAM as they are produced."""
    touch = np.flatnonzero(program.touch_write & program.cell_is_output[program.touch_cell])
    cell = program.touch_cell[touch].astype(np.int64)
    return Flow(touch, touch, program.cell_bytes[cell], cell)
