"""Tiling: how a kernel's output is cut into tasks.

A task computes a strip of output rows x a block of output channels of one image, or whole maps
of several: then the images are further rows of one product, as libraries compute linear layers and
small maps. The output tile accumulates in the streaming buffers, while input channels and the
weights that belong to them stream past, double buffered. Which tile a kernel gets depends on the
kernel and the buffers alone, never on the cache.
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
    images, rows, channels : array of int
        Edges of the groups of images, of the strips and of the channel blocks, from 0 to the
        output's size.
    group, strip, block : array of int, one entry per task
        Which group of images, strip and channel block each task computes, in order.
    """

    images: Index
    rows: Index
    channels: Index
    group: Index
    strip: Index
    block: Index

    def __len__(self) -> int:
        return len(self.group)


Order = Callable[[int, int, int], tuple["Index", "Index", "Index"]]

ORDERS: Registry[Order] = Registry("task order")
"""Orders of a kernel's tasks: (groups, strips, blocks) -> group, strip, block of each task."""


@ORDERS.register("rows_outer")
def rows_outer(groups: int, strips: int, blocks: int) -> tuple[Index, Index, Index]:
    """Image, strip, channel block: weights are read again for every strip.

    Examples
    --------
    >>> [list(map(int, axis)) for axis in rows_outer(1, 2, 2)]
    [[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1]]
    """
    group, strip, block = np.unravel_index(
        np.arange(groups * strips * blocks), (groups, strips, blocks)
    )
    return group, strip, block


@ORDERS.register("weights_outer")
def weights_outer(groups: int, strips: int, blocks: int) -> tuple[Index, Index, Index]:
    """Image, channel block, strip: inputs are read again for every channel block."""
    group, block, strip = rows_outer(groups, blocks, strips)
    return group, strip, block


@ORDERS.register("images_inner")
def images_inner(groups: int, strips: int, blocks: int) -> tuple[Index, Index, Index]:
    """Channel block, image, strip: a block's weights serve the whole batch.

    With one image it is ``weights_outer``.

    Examples
    --------
    >>> [list(map(int, axis)) for axis in images_inner(2, 1, 2)]
    [[0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 1]]
    """
    block, group, strip = rows_outer(blocks, groups, strips)
    return group, strip, block


def orders_of(batch: int) -> tuple[str, ...]:
    """The orders that differ for so many images; of those that do not, the first.

    Examples
    --------
    >>> orders_of(1), orders_of(8)
    (('rows_outer', 'weights_outer'), ('rows_outer', 'weights_outer', 'images_inner'))
    """
    found: dict[bytes, str] = {}
    for name, order in ORDERS.items():
        listed = order(min(batch, 3), 3, 3)
        found.setdefault(np.stack(listed).tobytes(), name)
    return tuple(found.values())


TOGETHER, APART = "together", "apart"

IMAGES = (TOGETHER, APART)
"""Whether a task may hold whole maps of several images, or is of one image always."""


def block_channels(kernel: Kernel, operand: int, edges: Index) -> tuple[Index, Index]:
    """Input channels ``[a, b)`` that each output channel block reads of one operand."""
    view, op = kernel.operands[operand].view, kernel.operands[operand].op
    return op.input_channels(edges[:-1], edges[1:], view.shape, kernel.output.image)


def tile(
    kernel: Kernel,
    buffer: int,
    order: str = "rows_outer",
    whole: bool = False,
    together: bool = True,
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

    Raises
    ------
    SimulationError
        If the buffers do not hold the smallest tile: one row of one channel.
    """
    images, channels, height, _ = kernel.output.shape
    if whole or kernel.untiled:
        groups, strips, blocks = 1 if together else images, 1, 1
    else:
        groups, strips, blocks = _largest(kernel, buffer, together)
    edges = _edges(images, groups), _edges(height, strips), _edges(channels, blocks)
    return Tiling(*edges, *ORDERS[order](groups, strips, blocks))


def _edges(size: int, parts: int) -> Index:
    """Edges of parts of equal size, the last one smaller where they do not divide."""
    step = -(-size // parts)
    return np.append(np.arange(0, size, step, dtype=np.int64), size)


def _largest(kernel: Kernel, buffer: int, together: bool) -> tuple[int, int, int]:
    """Groups of images, strips and channel blocks of the tiles that stream the fewest bytes.

    All candidates fill the buffers: for each number of channel blocks the tallest strip that
    fits, and of whole maps as many as fit. Of those the one that moves the fewest input and weight
    bytes into the buffers wins (halo rows are read again per strip, weights per strip and group,
    inputs per channel block); among equals the one with the fewest tasks, then the fewest channel
    blocks. Kernels without MACs stream alike in any shape, so for them the last two decide.
    """
    cost = _TileCost(kernel)
    images, channels, height, _ = kernel.output.shape
    best: tuple[int, int, int, int, int] | None = None
    width = channels
    while width:
        blocks = -(-channels // width)
        rows = cost.tallest(width, buffer)
        if rows:
            strips = _equal(height, rows)
            most = cost.most_images(width, buffer, images) if together and strips == 1 else 1
            groups = _equal(images, most)
            streamed = cost.streamed(groups, strips, blocks) if kernel.macs else 0
            candidate = (streamed, groups * strips * blocks, blocks, strips, groups)
            if best is None or candidate < best:
                best = candidate
            if (strips == 1 and (groups == 1 or not together)) or not kernel.macs:
                break  # narrower blocks only read the inputs more often
        width = min(width - 1, -(-channels // (blocks + 1)))
    need = cost.smallest()
    if best is None and need <= buffer:
        return images, height, channels
    if best is None:
        raise SimulationError(
            Problem(
                f"the streaming buffers hold {buffer:,} B, but the smallest tile of "
                f"{kernel.name} (one row of one channel) needs {need:,} B",
                hint=f"--buffer {need} or more",
            )
        )
    return best[4], best[3], best[2]


def _equal(size: int, most: int) -> int:
    """The number of parts of equal size, but for the last, none of them larger than ``most``."""
    step = -(-size // -(-size // most))
    return -(-size // step)


class _TileCost:
    """Buffer need and streamed bytes of a tile, from the operator alone.

    Fused residuals and views do not count: a convolution is tiled alike in all lowerings.
    """

    def __init__(self, kernel: Kernel) -> None:
        own = kernel.operands[: kernel.own]
        self.sources = [(operand.op, operand.view.shape) for operand in own]
        self.images = kernel.output.shape[0]
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

    def bytes(self, rows: int, width: int, images: int = 1) -> int:
        """Buffers for a tile of ``rows`` x ``width`` channels of some images, in bytes."""
        item = max(self.item, ACCUMULATOR_BYTES) if self.accumulates else self.item
        tile = images * rows * width * self.output[2] * item
        if not self.accumulates:
            rows = images = 1  # an output row is done as soon as its input rows are there
        middle = max(0, (self.output[1] - rows) // 2)
        streams = 0
        for op, source in self.sources:
            first, last = self._rows(op, source, middle, middle + rows)
            streams += max(last - first, 0) * source[2]
        return tile + 2 * self.item * (images * streams + width * self.taps)

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

    def most_images(self, width: int, buffer: int, images: int) -> int:
        """Of so many images those whose whole maps of ``width`` channels fit; at least one."""
        height = self.output[1]
        first = self.bytes(height, width)
        each = self.bytes(height, width, 2) - first
        return min(images, 1 + (buffer - first) // each)

    def streamed(self, groups: int, strips: int, blocks: int) -> int:
        """Bytes that stream into the buffers over the whole kernel."""
        rows, width = -(-self.output[1] // strips), -(-self.output[0] // blocks)
        total = groups * strips * self.output[0] * self.stored
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
            total += self.images * read * source[2] * max((last - first) * blocks, source[0])
        return total * self.item
