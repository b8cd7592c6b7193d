"""Operators that need a whole axis before they write any of it: softmax, norms and reductions."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from memsim.network.ops.arrange import Axis, axis_of
from memsim.network.ops.base import Box, Index, Operator, Shape, ShapeError, Shapes, Size, Table
from memsim.network.ops.reading import Reading

Function = Literal[
    "mean", "sum", "max", "min", "prod", "var", "std", "l1", "l2", "logsum", "logsumexp",
    "sumsquare", "argmax", "argmin", "any", "all", "absmax", "absmin",
]  # fmt: skip


class Softmax(Operator):
    """Exponentials along an axis, the channels if none is given, normalised."""

    kind: ClassVar[str] = "softmax"
    shorthand: ClassVar[str | None] = "axis"

    axis: Annotated[Axis | None, Field(description="axis of an image; the channels if absent")] = (
        None
    )

    def output_shape(self, inputs: Shapes) -> Shape:
        axis_of(self.axis, inputs[0])
        return inputs[0]

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 4

    def reader(self, number: int, inputs: Shapes) -> Operator:
        source = Shape(inputs[0])
        return Reading.whole(source, {axis_of(self.axis, source)})


class LogSoftmax(Softmax):
    """The logarithm of a softmax along an axis, the channels if none is given."""

    kind: ClassVar[str] = "log_softmax"


class LayerNorm(Operator):
    """Normalisation over the last axes, the last one if not given, with a scale and a shift."""

    kind: ClassVar[str] = "layernorm"
    shorthand: ClassVar[str | None] = "axes"

    axes: Annotated[Size, Field(description="how many axes from the end")] = 1
    scale: Annotated[bool, Field(description="with a learned factor per element")] = True
    shift: Annotated[bool, Field(description="with a learned constant per element")] = True

    def output_shape(self, inputs: Shapes) -> Shape:
        if self.axes > len(inputs[0]):
            raise ShapeError(f"layernorm over {self.axes} axes of {inputs[0]}")
        return inputs[0]

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 4

    def _table(self, output: Shape) -> Table:
        return Table.of(output[-self.axes :], output, self.scale + self.shift)

    def stored(self, inputs: Shapes, output: Shape) -> int:
        table = self._table(Shape(output))
        return table.number if table.along(Shape(output)) else 0

    def tables(self, inputs: Shapes, output: Shape) -> tuple[Table, ...]:
        table = self._table(Shape(output))
        return () if table.along(Shape(output)) or not table.number else (table,)

    def reader(self, number: int, inputs: Shapes) -> Operator:
        rank = len(inputs[0])
        return Reading.whole(Shape(inputs[0]), {*range(rank - self.axes, rank)})


class RmsNorm(LayerNorm):
    """Division by the root mean square over the last axes, the last one if not given, with a
    scale: a layer norm that takes no mean. Its input is read once, as that of a layer norm."""

    kind: ClassVar[str] = "rms_norm"

    shift: Annotated[bool, Field(description="with a learned constant per element")] = False


class PerChannel(Operator):
    """Base of normalisations of whole maps with a factor and a constant per channel."""

    scale: Annotated[bool, Field(strict=True, description="with a learned factor per channel")] = (
        True
    )
    shift: Annotated[
        bool, Field(strict=True, description="with a learned constant per channel")
    ] = True

    def output_shape(self, inputs: Shapes) -> Shape:
        return Shape(inputs[0], 0)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 4

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return self.scale + self.shift

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return 0 * start, 0 * stop + source[1]


class GroupNorm(PerChannel):
    """Normalisation over groups of channels with all their places, and a scale and a shift.

    A tile reads the whole maps of its groups, once: a kernel that goes over them twice (for the
    statistics, then to normalise) is assumed to find them on chip the second time.
    """

    kind: ClassVar[str] = "group_norm"
    shorthand: ClassVar[str | None] = "groups"

    groups: Annotated[Size, Field(description="groups of channels")]

    def output_shape(self, inputs: Shapes) -> Shape:
        if inputs[0][0] % self.groups:
            raise ShapeError(f"group_norm cannot make {self.groups} groups of {inputs[0]}")
        return Shape(inputs[0], 0)

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        size = max(1, source[0] // self.groups)
        return start // size * size, -(-stop // size) * size


class InstanceNorm(PerChannel):
    """Normalisation of each channel over its places, by default without a scale and a shift.

    A tile reads the whole maps of its channels, once, as that of a group norm. With running
    statistics it is a ``batchnorm`` at inference.
    """

    kind: ClassVar[str] = "instance_norm"

    scale: Annotated[bool, Field(strict=True, description="with a learned factor per channel")] = (
        False
    )
    shift: Annotated[
        bool, Field(strict=True, description="with a learned constant per channel")
    ] = False


class LocalResponseNorm(Operator):
    """Division by the energy of ``size`` neighbouring channels at the same place.

    Half of the neighbours, rounded down, lie in front, as in PyTorch.
    """

    kind: ClassVar[str] = "lrn"
    shorthand: ClassVar[str | None] = "size"

    size: Annotated[Size, Field(description="neighbouring channels, with its own")]

    def output_shape(self, inputs: Shapes) -> Shape:
        return Shape(inputs[0], 0)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 4

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        return start - self.size // 2, stop + (self.size - 1) // 2


class Normalize(Operator):
    """Division by what is computed over some axes: a norm, or mean and deviation.

    What lies along the axes is read once: a kernel that goes over it twice is assumed to find it
    on chip the second time.
    """

    kind: ClassVar[str] = "normalize"

    axes: Annotated[
        tuple[Axis, ...], Field(description="axes of an image that belong together", max_length=8)
    ]
    by: Annotated[
        Literal["l1", "l2", "deviation"],
        Field(description="a norm, or deviation: less the mean, by the standard deviation"),
    ] = "l2"

    def output_shape(self, inputs: Shapes) -> Shape:
        for axis in self.axes:
            axis_of(axis, inputs[0])
        return inputs[0]

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 4 if self.by == "deviation" else 3

    def reader(self, number: int, inputs: Shapes) -> Operator:
        source = Shape(inputs[0])
        return Reading.whole(source, {axis_of(axis, source) for axis in self.axes})


class Reduce(Operator):
    """One number of all along some axes: their mean, sum, maximum and so on.

    Every element is read once, also of functions that need two passes (``var``, ``logsumexp``): a
    kernel is assumed to keep what it needs of the row or map that it is at.
    """

    kind: ClassVar[str] = "reduce"

    function: Annotated[Function, Field(description="what is computed of them")]
    axes: Annotated[
        tuple[Axis, ...], Field(description="axes of an image that are reduced", max_length=8)
    ]
    keep: Annotated[
        bool, Field(strict=True, description="reduced axes stay, of size 1; or they are gone")
    ] = True
    unbiased: Annotated[
        bool,
        Field(strict=True, description="var and std: divided by one less than there are"),
    ] = True

    @model_validator(mode="after")
    def _only_of_a_variance(self) -> Reduce:
        if not self.unbiased and self.function not in ("var", "std"):
            raise ValueError(f"unbiased is for var and std, not for {self.function}")
        return self

    def reduced(self, source: Shape) -> set[int]:
        """The axes, counted from the front.

        Raises
        ------
        ShapeError
            If there is none of a number.
        """
        return {axis_of(axis, source) for axis in self.axes}

    def output_shape(self, inputs: Shapes) -> Shape:
        source = Shape(inputs[0])
        axes = self.reduced(source)
        if self.keep:
            sizes = (1 if axis in axes else size for axis, size in enumerate(source))
            return Shape(sizes, source.channel)
        left = [axis for axis in range(len(source)) if axis not in axes]
        rest = [source[axis] for axis in left]
        if len(rest) < 2:  # as any tensor of so few axes
            return Shape((*rest, 1, 1, 1)[:3])
        return Shape(rest, left.index(source.channel) if source.channel in left else None)

    def work(self, inputs: Shapes, output: Shape) -> int:
        source = inputs[0]
        count = 1
        for axis in self.reduced(source):
            count *= source[axis]
        return count

    def reader(self, number: int, inputs: Shapes) -> Operator:
        source = Shape(inputs[0])
        axes = self.reduced(source)
        if self.keep:
            return Reading.whole(source, axes)
        # The rows and channels of what is left are those of the input where their axes are.
        output = self.output_shape(inputs)
        left = [axis for axis in range(len(source)) if axis not in axes]
        if len(left) < 2:
            return Reading(rows=True, channels=left != [source.channel])
        other = next(iter(source.others), None)
        rows = next(place for at, place in enumerate(left) if at != output.channel)
        return Reading(
            rows=other is None or rows != other,
            channels=left[output.channel] != source.channel,
        )
