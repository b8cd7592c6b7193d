"""Ranges: which bytes of memory a transfer moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.program.memory.allocator import MemoryPlan, plan_memory
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the cells of a program lie in memory, layout nchw.

    Attributes
    ----------
    first : int64 array, per cell
        Address of its first byte.
    run : int64 array, per cell
        Bytes that lie together: a channel's strip of rows, or the whole cell.
    stride : int64 array, per cell
        From one such run to the next.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> placement = Placement.of(program)
    >>> _, address, nbytes = placement.ranges(np.array([0]), np.array([0]), np.array([256]))
    >>> address.tolist(), nbytes.tolist()
    ([0], [256])
    """

    first: Ints
    run: Ints
    stride: Ints

    @classmethod
    def of(cls, program: Program, plan: MemoryPlan | None = None) -> Placement:
        """Place a program's cells, at the addresses of :func:`plan_memory`."""
        plan = plan or plan_memory(program)
        tensor = program.cell_tensor
        _, channels, rows, row_bytes = np.array([each.shape for each in program.tensors])[tensor].T
        image, row, row_end, channel, _ = program.cell_box.astype(np.int64).T
        plane = rows * row_bytes
        first = plan.address[tensor] + (image * channels + channel) * plane + row * row_bytes
        strip = (row_end - row) * row_bytes
        return cls(first, np.where(strip == plane, program.cell_bytes, strip), plane)

    def ranges(self, cell: Ints, offset: Ints, nbytes: Ints) -> tuple[Ints, Ints, Ints]:
        """The contiguous ranges of parts of cells.

        Parameters
        ----------
        cell, offset, nbytes : int64 arrays
            From byte ``offset`` of the cell, in the order in which its blocks are cut.

        Returns
        -------
        tuple of int64 arrays
            For each range the part that it belongs to, its address, its bytes.
        """
        run = self.run[cell]
        begin = offset // run
        count = (offset + nbytes - 1) // run - begin + 1
        part = np.repeat(np.arange(len(cell)), count)
        number = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
        number = number + begin[part]
        low = np.maximum(number * run[part], offset[part])
        high = np.minimum((number + 1) * run[part], (offset + nbytes)[part])
        begins = self.first[cell][part] + number * self.stride[cell][part]
        return part, begins + low - number * run[part], high - low
