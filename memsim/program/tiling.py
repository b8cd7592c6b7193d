"""Tiling: how a kernel's output is cut into tasks.

A task computes a strip of output rows x a block of output channels. The output tile
accumulates in the streaming buffers, while input channels and the weights that belong to them
stream past, double buffered. Which tile a kernel gets depends on the kernel and the buffers
alone, never on the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import Problem, SimulationError
from memsim.network.ops import Operator, Shape
from memsim.program.kernel import Kernel
from memsim.registry import Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

ACCUMULATOR_BYTES = 4
"""Partial sums are held in fp32 or int32 at the least, whatever the data type."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """The tasks of one kernel.

    Attributes
    ----------
    rows, channels : array of int
        Edges of the strips and of the channel blocks, from 0 to the output's size.
    image, strip, block : array of int, one entry per task
        Which image, strip and channel block each task computes, in order.
    """

    rows: Index
    channels: Index
    image: Index
    strip: Index
    block: Index

    def __len__(self) -> int:
        return len(self.image)


Order = Callable[[int, int, int], tuple["Index", "Index", "Index"]]

ORDERS: Registry[Order] = Registry("task order")
"""Orders of a kernel's tasks: (images, strips, blocks) -> image, strip, block of each task."""


@ORDERS.register("rows_outer")
def rows_outer(images: int, strips: int, blocks: int) -> tuple[Index, Index, Index]:
    """Image, strip, channel block: weights are read again for every strip.

    Examples
    --------
    >>> [list(map(int, axis)) for axis in rows_outer(1, 2, 2)]
    [[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1]]
    """
    image, strip, block = np.unravel_index(
        np.arange(images * strips * blocks), (images, strips, blocks)
    )
    return image, strip, block


@ORDERS.register("weights_outer")
def weights_outer(images: int, strips: int, blocks: int) -> tuple[Index, Index, Index]:
    """Image, channel block, strip: inputs are read again for every channel block."""
    image, block, strip = rows_outer(images, blocks, strips)
    return image, strip, block


def strip_rows(kernel: Kernel, operand: int, edges: Index) -> tuple[Index, Index]:
    """Input rows ``[a, b)`` that each output strip reads of one operand.

    Clipped to the input, without gaps, the first from row 0 and the last to the end: the
    kernel's tasks together read the whole of every input, as CIO counts it.
    """
    source = kernel.operands[operand].view.shape
    rows = source[1]
    op = kernel.operands[operand].op
    first, last = op.input_rows(edges[:-1], edges[1:], source, kernel.output.image)
    first, last = np.clip(first, 0, rows), np.clip(last, 0, rows)
    first[0], last[-1] = 0, rows
    last[:-1] = np.maximum(last[:-1], first[1:])
    return first, last


def block_channels(kernel: Kernel, operand: int, edges: Index) -> tuple[Index, Index]:
    """Input channels ``[a, b)`` that each output channel block reads of one operand."""
    view, op = kernel.operands[operand].view, kernel.operands[operand].op
    return op.input_channels(edges[:-1], edges[1:], view.shape, kernel.output.image)


def tile(kernel: Kernel, buffer: int, order: str = "rows_outer", whole: bool = False) -> Tiling:
    """Cut a kernel into tasks.

    Parameters
    ----------
    kernel : Kernel
    buffer : int
        Bytes of the streaming buffers.
    order : str
        A key of :data:`ORDERS`.
    whole : bool
        One task per image, whatever the buffers hold.

    Raises
    ------
    SimulationError
        If the buffers do not hold the smallest tile: one row of one channel.
    """
    images, channels, height, _ = kernel.output.shape
    strips, blocks = (1, 1) if whole or kernel.untiled else _largest(kernel, buffer)
    image, strip, block = ORDERS[order](images, strips, blocks)
    return Tiling(_edges(height, strips), _edges(channels, blocks), image, strip, block)


def _edges(size: int, parts: int) -> Index:
    """Edges of parts of equal size, the last one smaller where they do not divide."""
    step = -(-size // parts)
    return np.append(np.arange(0, size, step, dtype=np.int64), size)


def _largest(kernel: Kernel, buffer: int) -> tuple[int, int]:
    """Strips and channel blocks of the tiles that stream the fewest bytes.

    All candidates fill the buffers: for each number of channel blocks the tallest strip that
    fits. Of those the one that moves the fewest input and weight bytes into the buffers wins
    (halo rows are read again per strip, weights per strip, inputs per channel block); among
    equals the one with the fewest tasks, then the fewest channel blocks. Kernels without MACs
    stream alike in any shape, so for them the last two decide.
    """
    cost = _TileCost(kernel)
    channels, height = kernel.output.shape[1:3]
    best: tuple[int, int, int, int] | None = None
    width = channels
    while width:
        blocks = -(-channels // width)
        rows = cost.tallest(width, buffer)
        if rows:
            strips = -(-height // rows)
            strips = -(-height // -(-height // strips))  # of equal height
            streamed = cost.streamed(strips, blocks) if kernel.macs else 0
            candidate = (streamed, strips * blocks, blocks, strips)
            if best is None or candidate < best:
                best = candidate
            if strips == 1 or not kernel.macs:
                break  # narrower blocks only read the inputs more often
        width = min(width - 1, -(-channels // (blocks + 1)))
    need = cost.smallest()
    if best is None and need <= buffer:
        return height, channels
    if best is None:
        raise SimulationError(
            Problem(
                f"the streaming buffers hold {buffer:,} B, but the smallest tile of "
                f"{kernel.name} (one row of one channel) needs {need:,} B",
                hint=f"--buffer {need} or more",
            )
        )
    return best[3], best[2]


class _TileCost:
    """Buffer need and streamed bytes of a tile, from the operator alone.

    Fused residuals and views do not count: a convolution is tiled alike in all lowerings.
    """

    def __init__(self, kernel: Kernel) -> None:
        own = kernel.operands[: kernel.own]
        self.sources = [(operand.op, operand.view.shape) for operand in own]
        self.output = kernel.output.image
        self.item = kernel.output.itemsize
        self.stored = kernel.op.stored(kernel.shapes, self.output)
        op, source = self.sources[0]
        first, last = op.input_channels(0, 1, source, self.output)
        self.taps = -(-self.stored // max(last - first, 1))
        self.accumulates = kernel.macs > 0

    def _rows(self, op: Operator, source: Shape, start: int, stop: int) -> tuple[int, int]:
        first, last = op.input_rows(start, stop, source, self.output)
        return max(first, 0), min(last, source[1])

    def bytes(self, rows: int, width: int) -> int:
        """Buffers for a tile of ``rows`` x ``width`` channels, in bytes."""
        item = max(self.item, ACCUMULATOR_BYTES) if self.accumulates else self.item
        tile = rows * width * self.output[2] * item
        if not self.accumulates:
            rows = 1  # an output row is done as soon as its input rows are there
        middle = max(0, (self.output[1] - rows) // 2)
        streams = 0
        for op, source in self.sources:
            first, last = self._rows(op, source, middle, middle + rows)
            streams += max(last - first, 0) * source[2]
        return tile + 2 * self.item * (streams + width * self.taps)

    def smallest(self) -> int:
        """Buffers for one row of one channel, in bytes.

        A pool whose window is larger than the buffers goes through it input row by input row.
        """
        if self.accumulates:
            return self.bytes(1, 1)
        rows = sum(source[2] for _, source in self.sources)
        return self.item * (self.output[2] + 2 * (rows + self.taps))

    def tallest(self, width: int, buffer: int) -> int:
        """Most rows of a tile ``width`` channels wide that fit; 0 if not even one does."""
        low, high = 0, self.output[1]
        if self.bytes(high, width) <= buffer:
            return high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.bytes(middle, width) <= buffer else (low, middle)
        return low

    def streamed(self, strips: int, blocks: int) -> int:
        """Bytes that stream into the buffers over the whole kernel, per image."""
        rows, width = -(-self.output[1] // strips), -(-self.output[0] // blocks)
        total = strips * self.output[0] * self.stored
        for op, source in self.sources:
            seam = 0
            if strips > 1:
                upper, lower = (
                    self._rows(op, source, 0, rows),
                    self._rows(op, source, rows, 2 * rows),
                )
                seam = max(upper[1] - lower[0], 0)
            first, last = op.input_channels(0, width, source, self.output)
            read = source[1] + (strips - 1) * seam
            total += read * source[2] * max((last - first) * blocks, source[0])
        return total * self.item
