"""Elementwise operators that read stored tensors: scales, shifts, embeddings, slopes, masks."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from memsim.network.ops.base import Operator, Shape, ShapeError, Shapes, Size, Table, broadcast
from memsim.network.ops.pointwise import COMBINATIONS, Pointwise

Held = Literal["channel"] | Annotated[tuple[Size, ...], Field(min_length=1, max_length=8)]
"""The axes of a stored tensor, aligned with an image's at the last one; ``channel``: one number
for each channel, whichever axis they are."""

PARAMETRIC = ("add", "mul", *COMBINATIONS)


def _known(function: str) -> str:
    if function not in PARAMETRIC:
        raise ValueError(f"no function of several tensors; one of {', '.join(PARAMETRIC)}")
    return function


Function = Annotated[str, AfterValidator(_known), WithJsonSchema({"enum": [*PARAMETRIC]})]
"""The kind of an operator that combines tensors."""


class _Stored(Pointwise):
    @property
    def held(self) -> tuple[Held, ...]:
        """The tensors that are stored."""
        raise NotImplementedError

    @property
    def activates(self) -> bool:
        return False  # it reads more than its input

    def output_shape(self, inputs: Shapes) -> Shape:
        sizes = tuple(each for each in self.held if each != "channel")
        shape = broadcast(self.kind, (*inputs, *sizes))
        largest = max(inputs, key=lambda each: (len(each), math.prod(each)))
        last = Shape(largest).channel - len(largest)
        found = Shape(shape, last)
        if "channel" in self.held and found.box[0] != Shape(largest).box[0]:
            raise ShapeError(f"{self.kind} changes the channels, of which it has one number each")
        return found

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return len(self.held) - len(self.tables(inputs, output))

    def tables(self, inputs: Shapes, output: Shape) -> tuple[Table, ...]:
        output = Shape(output)
        found = (Table.of(tuple(each), output) for each in self.held if each != "channel")
        return tuple(table for table in found if not table.along(output))


class Parametric(_Stored):
    """A function of several tensors of which some are stored: a layer scale (``mul``), a position
    embedding or a bias table (``add``), a mask (``where``).

    They are aligned at the last axes; sizes of 1 are repeated. All of them are learned unless
    ``learned`` says otherwise. A tile of the output reads its own part of each: rows of a tensor
    that has rows, channels of one that has channels.
    """

    kind: ClassVar[str] = "parametric"
    arity: ClassVar[tuple[int, int | None]] = (1, None)

    function: Annotated[Function, Field(description="operator that combines tensors, such as mul")]
    shapes: Annotated[
        tuple[Held, ...],
        Field(description="axes of each stored tensor, or channel", min_length=1, max_length=8),
    ] = ("channel",)
    places: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=0, le=64)], ...],
        Field(description="which operands they are; the last ones if left out"),
    ] = ()

    @property
    def held(self) -> tuple[Held, ...]:
        return self.shapes

    def output_shape(self, inputs: Shapes) -> Shape:
        count = len(inputs) + len(self.shapes)
        if self.places and len(self.places) != len(self.shapes):
            raise ShapeError(f"{len(self.places)} places for {len(self.shapes)} stored tensors")
        if len({*self.places}) < len(self.places) or max(self.places, default=0) >= count:
            raise ShapeError(f"{[*self.places]} are no places of {count} operands")
        return super().output_shape(inputs)

    def work(self, inputs: Shapes, output: Shape) -> int:
        return len(inputs) + len(self.shapes) - 1


class PRelu(_Stored):
    """``x`` where positive, else ``slope * x``, with learned slopes."""

    kind: ClassVar[str] = "prelu"
    shorthand: ClassVar[str | None] = "slope"

    slope: Annotated[Held, Field(description="axes of the slopes; channel: one each")] = "channel"

    @property
    def held(self) -> tuple[Held, ...]:
        return (self.slope,)


class ScaleShift(Operator):
    """A learned factor and a learned summand per channel, what is left of a batch norm whose
    statistics are gone."""

    kind: ClassVar[str] = "scale_shift"
    elementwise: ClassVar[bool] = True
    folds: ClassVar[bool] = True

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1

    def stored(self, inputs: Shapes, output: Shape) -> int:
        return 2
