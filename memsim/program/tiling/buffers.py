"""Tiles that fill the streaming buffers.

The output tile accumulates in the buffers, while input channels and the weights that belong to them
stream past, double buffered.
"""

from __future__ import annotations

from memsim.errors import Problem, SimulationError
from memsim.network.ops import Operator, Shape
from memsim.network.ops.base import Box
from memsim.program.kernel import Kernel

ACCUMULATOR_BYTES = 4
"""Partial sums are held in fp32 or int32 at the least, whatever the data type."""


def largest(kernel: Kernel, buffer: int, together: bool) -> tuple[int, int, int]:
    """Groups of images, strips and channel blocks of the tiles that stream the fewest bytes.

    All candidates fill the buffers: for each number of channel blocks the tallest strip that
    fits, and of whole maps as many as fit. Of those the one that moves the fewest input and weight
    bytes into the buffers wins (halo rows are read again per strip, weights per strip and group,
    inputs per channel block); among equals the one with the fewest tasks, then the fewest channel
    blocks. Kernels without MACs stream alike in any shape, so for them the last two decide.
    """
    cost = _TileCost(kernel)
    images, channels, height, _ = kernel.output.grid
    best: tuple[int, int, int, int, int] | None = None
    width, rows = channels, 0
    while width:
        blocks = -(-channels // width)
        if best is not None and cost.at_least(blocks) > best[0]:
            break
        rows = cost.tallest(width, buffer, rows)
        if rows:
            strips = _equal(height, rows)
            several = together and strips == 1 and images > 1
            most = cost.most_images(width, buffer, images) if several else 1
            groups = _equal(images, most)
            # Narrower blocks only read the inputs more often.
            last = (strips == 1 and (groups == 1 or not together)) or not kernel.macs
            alone = last and best is None  # there is nothing to compare it with
            streamed = cost.streamed(groups, strips, blocks) if kernel.macs and not alone else 0
            candidate = (streamed, groups * strips * blocks, blocks, strips, groups)
            if best is None or candidate < best:
                best = candidate
            if last:
                break
        width = min(width - 1, -(-channels // (blocks + 1)))
    if best is None and (need := cost.smallest()) <= buffer:
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


def blocks_of_strip(
    kernel: Kernel, buffer: int, rows: int, columns: int | None = None
) -> int | None:
    """The fewest channel blocks of a strip of so many rows that fit; None where no block does.

    ``columns`` are those of a tile that is narrower than the map.
    """
    cost = _TileCost(kernel, columns)
    width = channels = kernel.output.grid[1]
    while width:
        if cost.bytes(rows, width) <= buffer:
            return -(-channels // width)
        width = min(width - 1, -(-channels // (-(-channels // width) + 1)))
    return None


def tallest(kernel: Kernel, buffer: int, columns: int) -> int:
    """Rows of the tallest tile of one channel and so many columns that fits; at least one."""
    return max(_TileCost(kernel, columns).tallest(1, buffer), 1)


def smallest(kernel: Kernel, columns: int | None = None) -> int:
    """Bytes of buffers that hold the smallest tile of a kernel: one row of one channel."""
    cost = _TileCost(kernel, columns)
    return min(cost.smallest(), cost.bytes(1, 1))


def _equal(size: int, most: int) -> int:
    """The number of parts of equal size, but for the last, none of them larger than ``most``."""
    step = -(-size // -(-size // most))
    return -(-size // step)


class _TileCost:
    """Buffer need and streamed bytes of a tile, from the operator alone.

    Fused residuals and views do not count: a convolution is tiled alike in all lowerings.
    """

    def __init__(self, kernel: Kernel, columns: int | None = None) -> None:
        own = range(kernel.own)
        self.images, *box = kernel.output.grid
        self.sources = [
            (
                kernel.operands[each].op,
                _narrow(kernel.operands[each].op, kernel.source(each).box, box[2], columns),
                kernel.itemsize(each),
            )
            for each in own
        ]
        self.output: Box = (box[0], box[1], box[2] if columns is None else min(columns, box[2]))
        self.weight_item = kernel.weight_itemsize
        shapes, image = kernel.shapes, kernel.output.image
        self.stored = kernel.op.stored(shapes, image)
        self.tables = sum(  # elements that stream past with a row of a channel
            Shape(table.sizes, image.channel).box[2] * table.number
            for table in kernel.op.tables(shapes, image)
            if not table.passes
        )
        op, source, _ = self.sources[0]
        first, last = op.input_channels(0, 1, source, self.output)
        stored = min(self.stored, 1) if kernel.op.looks_up else self.stored
        self.taps = -(-stored // max(last - first, 1))
        self.accumulates = kernel.macs > 0
        self._streamed: dict[int, int] = {}
        """Of tiles of so many rows, which are asked for again at each width."""
        self.item = kernel.output.itemsize
        held = max(self.item, ACCUMULATOR_BYTES) if self.accumulates else self.item
        self.row = (self.output[2] + kernel.op.kept(shapes, image)) * held
        """Bytes that are held for an output row of a channel."""
        self.passing = 0 if self.accumulates else self._streams(1)
        """Bytes that stream past with an output row that is done as soon as its input rows are."""

    def _rows(self, op: Operator, source: Box, start: int, stop: int) -> tuple[int, int]:
        first, last = op.input_rows(start, stop, source, self.output)
        return max(first, 0), min(last, source[1])

    def _streams(self, rows: int) -> int:
        """Bytes of an input channel that are there for a tile of so many rows of an image."""
        known = self._streamed.get(rows)
        if known is not None:
            return known
        middle = max(0, (self.output[1] - rows) // 2)
        streams = 0
        for op, source, item in self.sources:
            first, last = self._rows(op, source, middle, middle + rows)
            together = min(last - first, 1) if op.streams else last - first
            streams += max(together, 0) * source[2] * item
        streams += self.tables * self.weight_item
        self._streamed[rows] = streams
        return streams

    def bytes(self, rows: int, width: int, images: int = 1) -> int:
        """Buffers for a tile of ``rows`` x ``width`` channels of some images, in bytes."""
        streams = images * self._streams(rows) if self.accumulates else self.passing
        weights = width * self.taps * self.weight_item
        return images * rows * width * self.row + 2 * (streams + weights)

    def smallest(self) -> int:
        """Buffers for one row of one channel, in bytes.

        A pool whose window is larger than the buffers goes through it input row by input row.
        """
        if self.accumulates:
            return self.bytes(1, 1)
        rows = sum(source[2] * item for _, source, item in self.sources)
        rows += self.tables * self.weight_item
        return self.item * self.output[2] + 2 * (rows + self.taps * self.weight_item)

    def tallest(self, width: int, buffer: int, known: int = 0) -> int:
        """Most rows of a tile ``width`` channels wide that fit; 0 if not even one does.

        ``known`` rows fit, as a wider tile has shown; 0 where nothing is known.
        """
        low, high = max(known, 1), self.output[1]
        most = self.bytes(high, width)
        if most <= buffer:
            return high
        least = self.bytes(low, width)
        if least > buffer:
            return 0
        tries = 0
        while high - low > 1:
            # Most rows need as much as their neighbours: a straight line between the ends meets the
            # buffers where they are full, or one row beside. Halving is for what grows otherwise.
            tries += 1
            ahead = (buffer - least) * (high - low) // (most - least)
            ahead = max(ahead, 1) if tries < 4 else (high - low) // 2
            middle = min(low + ahead, high - 1)
            need = self.bytes(middle, width)
            if need <= buffer:
                low, least = middle, need
            else:
                high, most = middle, need
        return low

    def most_images(self, width: int, buffer: int, images: int) -> int:
        """Of so many images those whose whole maps of ``width`` channels fit; at least one."""
        height = self.output[1]
        first = self.bytes(height, width)
        each = self.bytes(height, width, 2) - first
        return min(images, 1 + (buffer - first) // each)

    def at_least(self, blocks: int) -> int:
        """Bytes that stream with so many channel blocks or more, however few strips there are.

        0 where that is not known: where more blocks need not read more of the inputs.
        """
        for op, source, _ in self.sources:
            first, last = op.input_channels(0, 1, source, self.output)
            if last - first < source[0]:
                return 0
        return self.streamed(1, 1, blocks)

    def streamed(self, groups: int, strips: int, blocks: int) -> int:
        """Bytes that stream into the buffers over the whole kernel."""
        rows, width = -(-self.output[1] // strips), -(-self.output[0] // blocks)
        total = groups * strips * self.output[0] * self.stored * self.weight_item
        for op, source, item in self.sources:
            seam = 0
            if strips > 1:
                upper, lower = (
                    self._rows(op, source, 0, rows),
                    self._rows(op, source, rows, 2 * rows),
                )
                seam = max(upper[1] - lower[0], 0)
            first, last = op.input_channels(0, width, source, self.output)
            read = source[1] + (strips - 1) * seam
            across = max((last - first) * blocks, source[0])
            total += self.images * read * source[2] * across * item
        return total


def _narrow(op: Operator, source: Box, output: int, columns: int | None) -> Box:
    """What a tile of so many columns of an output reads of an operand, around the middle."""
    turned = None if columns is None else op.across()
    if columns is None or turned is None or columns >= output:
        return source
    middle = (output - columns) // 2
    ends = (1, source[2], 1), (1, output, 1)
    first, last = turned.input_rows(middle, middle + columns, *ends)
    return source[0], source[1], max(min(last, source[2]) - max(first, 0), 0)
