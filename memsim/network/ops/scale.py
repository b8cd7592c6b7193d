"""A number applied to every element."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from memsim.network.ops.base import InPlace, Operator, Shape, Shapes


class Scale(Operator):
    """``factor * x + shift``, with plain numbers: nothing is stored and nothing learned."""

    kind: ClassVar[str] = "scale"
    elementwise: ClassVar[bool] = True
    in_place: ClassVar[bool] = True
    shorthand: ClassVar[str | None] = "factor"

    inplace: InPlace = False
    factor: Annotated[float, Field(allow_inf_nan=False, description="multiplies each element")] = 1
    shift: Annotated[float, Field(allow_inf_nan=False, description="is added to each element")] = 0

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1
