"""Reductions: one number of all that lie along some axes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from memsim.network.ops.arrange import Axis, axis_of
from memsim.network.ops.base import Operator, Shape, Shapes
from memsim.network.ops.norm import Reading

Function = Literal[
    "mean", "sum", "max", "min", "prod", "var", "std", "l1", "l2", "logsum", "logsumexp",
    "sumsquare", "argmax", "argmin", "any", "all", "absmax", "absmin",
]  # fmt: skip


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
