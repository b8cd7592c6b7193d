"""Lines: what a hardware cache sees of a program, an address space cut into lines.

Every touch of a cell becomes accesses to the lines that its bytes lie in, in the order of the
tensor's layout, each line once where neighbouring bytes share it. A cache of lines knows no
lifetimes: what is dead stays until something takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import Problem, SimulationError
from memsim.program.memory.allocator import MemoryPlan, plan_memory
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MOST_LINES = 400_000_000
"""Longest trace of lines: some 10 GB of columns."""


@dataclass(frozen=True, slots=True)
class LineAccesses:
    """Accesses to lines in program order.

    Attributes
    ----------
    line : int32 array, per access
        Line number: address // line size.
    touch : int32 array, per access
        The touch it is part of.
    lines : int
        Lines of the address space.
    """

    line: NDArray[np.int32]
    touch: NDArray[np.int32]
    lines: int


def line_accesses(
    program: Program, line: int = 64, layout: str = "nchw", allocator: str = "caching"
) -> LineAccesses:
    """Turn touches of cells into accesses to lines.

    Parameters
    ----------
    program : Program
    line : int
        Bytes of a line.
    layout : str
        ``nchw``: a row of one channel is contiguous; ``nhwc``: all channels of a pixel are.
        Parameters of one output channel are contiguous in both.
    allocator : str
        Who gives tensors their addresses.

    Raises
    ------
    SimulationError
        If the trace would be too long.
    """
    plan = plan_memory(program, allocator)
    spans = _Spans(program, plan, layout)
    count = spans.per_cell[program.touch_cell]
    touch = np.repeat(np.arange(len(count), dtype=np.int32), count)
    if len(touch) > MOST_LINES:
        raise _too_long(program)
    number = np.arange(len(touch)) - np.repeat(np.cumsum(count) - count, count)
    begin, length = spans.of(program.touch_cell[touch], number)
    first, last = begin // line, (begin + length - 1) // line
    lines = last - first + 1
    total = int(lines.sum())
    if total > MOST_LINES:
        raise _too_long(program)
    within = np.arange(total) - np.repeat(np.cumsum(lines) - lines, lines)
    numbers = (np.repeat(first, lines) + within).astype(np.int32)
    owners = np.repeat(touch, lines)
    new = np.ones(total, np.bool_)
    new[1:] = (numbers[1:] != numbers[:-1]) | (owners[1:] != owners[:-1])
    return LineAccesses(numbers[new], owners[new], -(-plan.total_bytes // line))


class _Spans:
    """The contiguous byte ranges of every cell."""

    def __init__(self, program: Program, plan: MemoryPlan, layout: str) -> None:
        tensor = program.cell_tensor
        shape = np.array([each.shape for each in program.tensors])[tensor].T
        _, self.channels, self.rows, self.row_bytes = shape
        box = program.cell_box.astype(np.int64).T
        self.image, self.row, row_end, self.channel, channel_end = box
        self.height, self.width = row_end - self.row, channel_end - self.channel
        self.item = np.array([each.itemsize for each in program.tensors])[tensor]
        self.pixels = self.row_bytes // self.item
        self.base = plan.address[tensor]
        weights = np.array([each.kind == "weight" for each in program.tensors])[tensor]
        self.planar = weights | (layout == "nchw")
        # Planar: a range per channel, one for all where whole planes are taken. Else: a range
        # per pixel, one for all where whole pixels are.
        whole = np.where(self.planar, self.height == self.rows, self.width == self.channels)
        parts = np.where(self.planar, self.width, self.height * self.pixels)
        self.per_cell = np.where(whole, 1, parts)

    def of(self, cell: NDArray[np.int32], number: Ints) -> tuple[Ints, Ints]:
        """First byte and length of range ``number`` of each cell."""
        item, planar = self.item[cell], self.planar[cell]
        channels, rows, row_bytes = self.channels[cell], self.rows[cell], self.row_bytes[cell]
        height, width = self.height[cell], self.width[cell]
        whole = self.per_cell[cell] == 1
        image = self.base[cell] + self.image[cell] * channels * rows * row_bytes
        plane = image + ((self.channel[cell] + number) * rows + self.row[cell]) * row_bytes
        pixel = self.row[cell] * self.pixels[cell] + number
        packed = image + (pixel * channels + self.channel[cell]) * item
        of_plane = height * row_bytes * np.where(whole, width, 1)
        of_pixel = width * item * np.where(whole, height * self.pixels[cell], 1)
        return np.where(planar, plane, packed), np.where(planar, of_plane, of_pixel)


def _too_long(program: Program) -> SimulationError:
    return SimulationError(
        Problem(
            f"{program.network.name} accesses more than {MOST_LINES:,} lines",
            hint="a smaller input or batch, a longer line, or management scratchpad",
        )
    )
