"""Tiling: how a kernel's output is cut into tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.machine.fields import RegisterTile
from memsim.program.kernel import Kernel
from memsim.program.tiling import registers
from memsim.program.tiling.buffers import largest
from memsim.program.tiling.orders import ORDERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

TOGETHER, APART = "together", "apart"

IMAGES = (TOGETHER, APART)
"""Whether a task may hold whole maps of several images, or is of one image always."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """The tasks of one kernel.

    Attributes
    ----------
    images, rows, channels : array of int
        Edges of the groups of images, of the strips and of the channel blocks, from 0 to the
        output's size.
    group, strip, block : array of int, one entry per task
        Which group of images, strip and channel block each task works on, in order.
    part, parts : array of int, per task
        Several tasks in a row may share a tile, a part of its pixels each: the first of them reads
        what the tile needs of its operands, each goes through the tile's weights, and the last
        writes the tile. ``part`` counts them from 0, ``parts`` says how many there are.
    """

    images: Index
    rows: Index
    channels: Index
    group: Index
    strip: Index
    block: Index
    part: Index
    parts: Index

    def __len__(self) -> int:
        return len(self.group)


def tile(
    kernel: Kernel,
    buffer: int,
    order: str = "rows_outer",
    whole: bool = False,
    together: bool = True,
    register_tile: RegisterTile | None = None,
) -> Tiling:
    """Cut a kernel into tasks.

    Parameters
    ----------
    kernel : Kernel
    buffer : int
        Bytes of the streaming buffers.
    order : str
        A key of :data:`ORDERS`.
    whole : bool
        One task, whatever the buffers hold.
    together : bool
        Whether a task may hold several images; else there is at least a task per image.
    register_tile : RegisterTile, optional
        What accumulates in registers: kernels that multiply are then cut as :mod:`.registers` says,
        and the buffers do not matter to them.

    Raises
    ------
    SimulationError
        If the buffers do not hold the smallest tile: one row of one channel.
    """
    images, channels, height, _ = kernel.output.grid
    if register_tile is not None and kernel.macs and not (whole or kernel.untiled):
        cut = registers.cut(kernel, register_tile, order, together)
        group, strip, block = ORDERS[order](*(len(axis) - 1 for axis in cut.edges))
        parts = cut.parts[strip]
        task = np.repeat(np.arange(len(parts)), parts)
        part = np.arange(len(task)) - np.repeat(np.cumsum(parts) - parts, parts)
        return Tiling(*cut.edges, group[task], strip[task], block[task], part, parts[task])
    if whole or kernel.untiled:
        groups, strips, blocks = 1 if together else images, 1, 1
    else:
        groups, strips, blocks = largest(kernel, buffer, together)
    edges = _edges(images, groups), _edges(height, strips), _edges(channels, blocks)
    group, strip, block = ORDERS[order](groups, strips, blocks)
    return Tiling(*edges, group, strip, block, 0 * group, 0 * group + 1)


def _edges(size: int, parts: int) -> Index:
    """Edges of parts of equal size, the last one smaller where they do not divide."""
    step = -(-size // parts)
    return np.append(np.arange(0, size, step, dtype=np.int64), size)
