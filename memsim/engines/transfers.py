"""What a cache is given and what it moves, in touches of cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.policies.base import LAST, READ, WRITE, WRITE_THROUGH, Events
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Touches:
    """Touches of cells in program order.

    Attributes
    ----------
    start : int64 array, tasks + 1
        First touch of each task.
    cell : int32 array, per touch
    code : uint8 array, per touch
        As in :class:`~memsim.engines.policies.base.Trace`.
    cell_block : int64 array, cells + 1
        First block of each cell.
    block_bytes : int64 array, per block
    cell_writer : int64 array, per cell
        The touch that writes it; -1 where none does.
    results : Moves
        Network outputs.
    """

    start: Ints
    cell: NDArray[np.int32]
    code: NDArray[np.uint8]
    cell_block: Ints
    block_bytes: Ints
    cell_writer: Ints
    results: Moves

    @classmethod
    def of(cls, program: Program) -> Touches:
        """The touches of a program on a scratchpad, which knows lifetimes."""
        output = program.cell_is_output[program.touch_cell]
        code = np.where(program.touch_write, np.where(output, WRITE_THROUGH, WRITE), READ)
        return cls(
            program.touch_start,
            program.touch_cell,
            (code + LAST * program.touch_last).astype(np.uint8),
            program.cell_block,
            program.block_bytes,
            program.cell_writer,
            written_through(program),
        )

    @cached_property
    def cell_bytes(self) -> Ints:
        """Bytes of each cell."""
        return np.add.reduceat(self.block_bytes, self.cell_block[:-1])

    @cached_property
    def largest_block(self) -> Ints:
        """Bytes of each cell's largest block."""
        return np.maximum.reduceat(self.block_bytes, self.cell_block[:-1])

    @cached_property
    def uniform(self) -> NDArray[np.bool_]:
        """Whether all blocks of a cell but its last, which is no larger, are equal."""
        first, count = self.block_bytes[self.cell_block[:-1]], np.diff(self.cell_block)
        last = self.block_bytes[self.cell_block[1:] - 1]
        expected = first * (count - 1) + last
        same: NDArray[np.bool_] = (self.cell_bytes == expected) & (self.largest_block == first)
        return same


@dataclass(frozen=True, slots=True)
class Moves:
    """Transfers of one kind, one entry each: int64 arrays.

    Attributes
    ----------
    of : per transfer
        The touch it is charged to: the reader of a fetch, the writer of what is written.
    at : per transfer
        The touch at which it happens.
    amount : per transfer
        Bytes.
    unit : per transfer
        What is moved: a cell, or a line of memory. Equal numbers are the same data.
    """

    of: Ints
    at: Ints
    amount: Ints
    unit: Ints


@dataclass(frozen=True, slots=True)
class Transfers:
    """What crosses the DRAM interface.

    Attributes
    ----------
    fetches : Moves
    again : int64 array, per fetch
        Those of its bytes that were fetched before.
    spills, results : Moves
        Write-backs; network outputs.
    occupancy : int64 array, per task
        Bytes held after each task.
    peak : int
        Most bytes ever held.
    """

    fetches: Moves
    again: Ints
    spills: Moves
    results: Moves
    occupancy: Ints
    peak: int

    @classmethod
    def of(cls, program: Program, events: Events) -> Transfers:
        """The transfers of a scratchpad's policy that works block by block."""
        size, touch = program.block_bytes, program.access_touch.astype(np.int64)
        at = np.flatnonzero(events.missed)
        block = program.access_block[at]
        first = np.full(len(size), -1, np.int64)
        first[block[::-1]] = at[::-1]
        cell = program.touch_cell
        writer = touch[program.block_writer[events.spilled]]
        return cls(
            Moves(touch[at], touch[at], size[block], cell[touch[at]].astype(np.int64)),
            np.where(first[block] == at, 0, size[block]),
            Moves(
                writer,
                touch[events.spilled_at],
                size[events.spilled],
                cell[writer].astype(np.int64),
            ),
            written_through(program),
            events.occupancy,
            events.peak,
        )


def written_through(program: Program) -> Moves:
    """Network outputs, which a scratchpad writes to DRAM as they are produced."""
    touch = np.flatnonzero(program.touch_write & program.cell_is_output[program.touch_cell])
    cell = program.touch_cell[touch].astype(np.int64)
    return Moves(touch, touch, program.cell_bytes[cell], cell)
