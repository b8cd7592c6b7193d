"""An operator of a foreign graph that memsim does not know."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from memsim.network.ops.base import Box, Index, Operator, Shape, Shapes, Size, Table


class Opaque(Operator):
    """Stands for an operator that memsim does not know: it moves data, but is not computed.

    Its inputs are read once and its output is written once, as by a kernel that streams; its
    parameters are read like a convolution's, strip by strip, as many per channel, or all of them
    by every tile where they are not as many per channel. Its MACs are NOT counted, and its
    time is that of one elementwise operation per output element. Importing a graph that needs
    one is refused unless that is allowed.
    """

    kind: ClassVar[str] = "opaque"
    arity: ClassVar[tuple[int, int | None]] = (1, None)

    op: Annotated[str, Field(description="the operator's own name", min_length=1, max_length=200)]
    shape: Annotated[
        tuple[Size, ...],
        Field(description="[channels, height, width], or other axes", min_length=1, max_length=8),
    ]
    params: Annotated[int, Field(strict=True, ge=0, le=1 << 44, description="parameters read")] = 0

    def output_shape(self, inputs: Shapes) -> Shape:
        return Shape(self.shape)

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        return source

    def stored(self, inputs: Shapes, output: Shape) -> int:
        per_channel, rest = divmod(self.params, Shape(output).box[0])
        return 0 if rest else per_channel

    def tables(self, inputs: Shapes, output: Shape) -> tuple[Table, ...]:
        if self.params % Shape(output).box[0] == 0:
            return ()
        return (Table((1,) * len(output), self.params, passes=True),)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1

    # Which part of the output needs which part of an input is not known. A tile reads its
    # proportional share, so that the kernel reads every input once.

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return start * source[1] // output[1], -(-stop * source[1] // output[1])

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return start * source[0] // output[0], -(-stop * source[0] // output[0])
