"""Placement: which bytes of memory the cells of a program lie in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import Problem, SimulationError
from memsim.program.memory.allocator import MemoryPlan, plan_memory
from memsim.program.memory.best_fit import aligned
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

PAGE = 4096
"""Bytes: the buffers of a frame begin on a page, so no line is shared with another's."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the cells of a program lie in memory: each in runs of contiguous bytes.

    Attributes
    ----------
    first : int64 array, per cell
        Address of its first byte.
    run : int64 array, per cell
        Bytes of one run: in layout nchw a channel's strip of rows, in nhwc the channels of a
        pixel; the whole cell where those lie together.
    stride : int64 array, per cell
        From the start of one run to that of the next.
    runs : int64 array, per cell
        How many there are.
    total_bytes : int
        The address space used.

    Notes
    -----
    Of several frames each finds its weights and its feature maps at the addresses of the first.
    What the frames take and give is not the network's to reuse: the inputs and outputs of every
    frame have buffers of their own, behind all else.

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
    runs: Ints
    total_bytes: int

    @classmethod
    def of(
        cls, program: Program, plan: MemoryPlan | None = None, layout: str = "nchw"
    ) -> Placement:
        """Place a program's cells.

        Parameters
        ----------
        program : Program
        plan : MemoryPlan, optional
            The tensors' addresses; those of :func:`plan_memory` if left out.
        layout : str
            ``nchw``: a row of one channel is contiguous; ``nhwc``: all channels of a pixel are.
            Parameters of one output channel are contiguous in both.
        """
        if "x" in str(program.options.get("strip", "")):
            message = "tiles that are narrower than a map have no addresses in memsim"
            hint = "strips of whole rows, with groups auto --strip rows, or a scratchpad"
            raise SimulationError(Problem(message, path="strip", hint=hint))
        plan = plan or plan_memory(program)
        tensor = program.cell_tensor
        shapes = np.array([each.shape for each in program.tensors], np.int64)
        _, channels, rows, row_bytes = shapes[tensor].T
        image, row, row_end, channel, channel_end = program.cell_box.astype(np.int64).T
        height, width = row_end - row, channel_end - channel
        itemsize = np.array([each.itemsize for each in program.tensors], np.int64)[tensor]
        weight = np.array([each.kind == "weight" for each in program.tensors])[tensor]
        last = np.array([each.channels_last for each in program.tensors])[tensor]
        planar = weight | ((layout == "nchw") & ~last)
        plane, pixel, pixels = rows * row_bytes, channels * itemsize, row_bytes // itemsize
        part = np.where(planar, height * row_bytes, width * itemsize)
        stride = np.where(planar, plane, pixel)
        run = np.where(part == stride, program.cell_bytes, part)
        within = np.where(
            planar, channel * plane + row * row_bytes, row * pixels * pixel + channel * itemsize
        )
        address, total = _addresses(program, plan)
        first = address + image * channels * plane + within
        return cls(first, run, stride, program.cell_bytes // run, total)

    def spans(self, cell: Ints) -> tuple[Ints, Ints, Ints]:
        """The runs of whole cells, in order.

        Returns
        -------
        tuple of int64 arrays
            For each run the position in ``cell`` that it belongs to, its address, its bytes.
        """
        count = self.runs[cell]
        owner = np.repeat(np.arange(len(cell)), count)
        number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        of = cell[owner]
        return owner, self.first[of] + number * self.stride[of], self.run[of]

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


def _addresses(program: Program, plan: MemoryPlan) -> tuple[Ints, int]:
    """Where the tensor of each cell begins, and the address space used."""
    address = plan.address[program.cell_tensor]
    if program.frames == 1:
        return address, plan.total_bytes
    offset = np.full(len(program.tensors), -1, np.int64)
    size = 0
    for number, tensor in enumerate(program.tensors):
        if tensor.kind in ("input", "output"):
            offset[number] = size
            size += aligned(tensor.nbytes)
    behind, step = (-(-nbytes // PAGE) * PAGE for nbytes in (plan.total_bytes, size))
    buffered = offset[program.cell_tensor]
    own = behind + program.cell_frame * step + buffered
    return np.where(buffered >= 0, own, address), behind + program.frames * step
