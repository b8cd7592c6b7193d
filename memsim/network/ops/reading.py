"""What an operator reads of an operand, where that is not as it reads its first: no layers.

An operator's :meth:`~memsim.network.ops.base.Operator.reader` names one of these.
"""

from __future__ import annotations

from typing import ClassVar

from memsim.network.ops.base import Box, Index, Operator, Shape


class Reading(Operator):
    """Reads all of some axes of a box, and its own place along the others. No layer of its own."""

    kind: ClassVar[str] = "reading"

    rows: bool = False
    channels: bool = False
    passing: bool = False
    """The rows pass by one after the other."""

    @property
    def streams(self) -> bool:
        return self.passing

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.rows or source[1] != output[1]:
            return 0 * start, 0 * stop + source[1]
        return start, stop

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        if self.channels or source[0] != output[0]:
            return 0 * start, 0 * stop + source[0]
        return start, stop

    @classmethod
    def whole(cls, shape: Shape, axes: set[int]) -> Reading:
        """Reads all of these axes of a shape."""
        return cls(rows=not axes.isdisjoint(shape.others[:1]), channels=shape.channel in axes)


class Share(Operator):
    """Reads as large a share of an operand as its tile is of the output. No layer of its own.

    It reads at most as many rows and channels as it writes.
    """

    kind: ClassVar[str] = "share"

    capped: bool = True

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        if len(source) == len(output):
            return Shape(source, output.channel)
        return source

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        size = min(source[1], output[1]) if self.capped else source[1]
        return start * size // output[1], -(-stop * size // output[1])

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        size = min(source[0], output[0]) if self.capped else source[0]
        return start * size // output[0], -(-stop * size // output[0])


SHARE = Share.model_construct()
ALL = Share.model_construct(capped=False)
