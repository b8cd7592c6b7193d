"""Changes of the data type: quantisation and its reverse."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from memsim.network.ops.base import Operator, Shape, Shapes

Type = Literal[
    "fp64", "fp32", "fp16", "bf16", "fp8", "int64", "int32", "int16", "int8", "uint8", "bool"
]


class _Convert(Operator):
    elementwise: ClassVar[bool] = True

    @property
    def writes(self) -> str:
        dtype: str = self.dtype  # type: ignore[attr-defined]
        return dtype

    def work(self, inputs: Shapes, output: Shape) -> int:
        return 1


class Quantize(_Convert):
    """Whole numbers for a tensor of others, with one scale for all or one per channel.

    Scales and zero points are a few numbers, and count nowhere.
    """

    kind: ClassVar[str] = "quantize"
    shorthand: ClassVar[str | None] = "dtype"

    dtype: Annotated[Type, Field(description="of what it writes")] = "int8"


class DynamicQuantize(Quantize):
    """Quantisation whose scale depends on all elements, so that all are there before it begins.

    The pass that finds the largest and the smallest is not counted.
    """

    kind: ClassVar[str] = "dynamic_quantize"
    elementwise: ClassVar[bool] = False

    dtype: Annotated[Type, Field(description="of what it writes")] = "uint8"


class Dequantize(_Convert):
    """The numbers that quantised ones stand for, in the data type of the network.

    Where kernels are fused it is nothing: what reads it reads the quantised tensor.
    """

    kind: ClassVar[str] = "dequantize"
    shorthand: ClassVar[str | None] = "dtype"
    loads: ClassVar[bool] = True

    dtype: Annotated[
        Literal["network", "fp32", "fp16", "bf16"], Field(description="of what it writes")
    ] = "network"


class Cast(_Convert):
    """The same numbers in another data type."""

    kind: ClassVar[str] = "cast"
    shorthand: ClassVar[str | None] = "dtype"

    dtype: Annotated[Type | Literal["network"], Field(description="of what it writes")]
