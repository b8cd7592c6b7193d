"""Data types of the values of an ONNX graph, which every operator says of its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING

from memsim.formats.foreign.records import Constant, Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "BOOL",
    "FLOAT",
    "INT32",
    "INT64",
    "INT8",
    "NAMES",
    "Kinds",
    "UINT8",
    "follow",
    "of_array",
]

FLOAT, UINT8, INT8, INT32, INT64, BOOL = 1, 2, 3, 6, 7, 9
"""Numbers of TensorProto's data types."""

NAMES: Mapping[int, str] = {
    FLOAT: "fp32", UINT8: "uint8", INT8: "int8", 4: "int16", 5: "int16", INT32: "int32",
    INT64: "int64", BOOL: "bool", 10: "fp16", 11: "fp64", 12: "int32", 13: "int64", 16: "bf16",
    17: "fp8", 18: "fp8", 19: "fp8", 20: "fp8", 21: "uint8", 22: "int8", 23: "fp8", 24: "fp8",
    25: "uint8", 26: "int8", 27: "fp8", 28: "fp8",
}  # fmt: skip
"""memsim's names of them, which tell how many bytes an element has: whole numbers of 16 bits and
more without a sign go by those with one, and those of fewer than 8 bits take a byte each."""

FIXED: Mapping[str, tuple[int, ...]] = {
    "Shape": (INT64,), "Size": (INT64,), "NonZero": (INT64,), "ArgMax": (INT64,),
    "ArgMin": (INT64,), "NonMaxSuppression": (INT64,), "ConvInteger": (INT32,),
    "MatMulInteger": (INT32,), "DynamicQuantizeLinear": (UINT8, FLOAT, UINT8),
    "com.microsoft.MatMulIntegerToFloat": (FLOAT,),
    "com.microsoft.DynamicQuantizeMatMul": (FLOAT,),
    **dict.fromkeys(("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Not", "And",
                     "Or", "Xor", "IsNaN", "IsInf"), (BOOL,)),
}  # fmt: skip
"""Operators whose outputs have types that nothing changes."""

LIKE = {
    "Where": 1,
    "DequantizeLinear": 1,
    "com.microsoft.DequantizeLinear": 1,
    "QLinearConv": 7,
    "QLinearMatMul": 7,
    "CastLike": 1,
    "com.microsoft.QLinearAdd": 7,
    "com.microsoft.QLinearMul": 7,
    "com.microsoft.QLinearSigmoid": 4,
    "com.microsoft.QLinearLeakyRelu": 4,
    "com.microsoft.QLinearSoftmax": 4,
    "com.microsoft.QLinearAveragePool": 4,
    "com.microsoft.QLinearGlobalAveragePool": 4,
    "com.microsoft.QLinearConcat": 1,
    "com.microsoft.QGemm": 8,
    "com.microsoft.QLinearConv": 7,
    "com.microsoft.QLinearReduceMean": 4,
    "com.microsoft.QLinearWhere": 8,
}
"""The input whose type the output has, where it is not the first; -1 for the last."""

ARRAYS = {
    "float32": FLOAT, "uint8": UINT8, "int8": INT8, "uint16": 4, "int16": 5, "int32": INT32,
    "int64": INT64, "bool": BOOL, "float16": 10, "float64": 11, "uint32": 12, "uint64": 13,
}  # fmt: skip
"""Numbers by the names of NumPy's data types."""

SECOND = {"TopK": INT64, "MaxPool": INT64, "Dropout": BOOL, "Unique": INT64}
"""Types of second outputs."""


class Kinds:
    """Data types by value, by memsim's names."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._numbers = numbers

    def get(self, name: str) -> str:
        """The data type of a value; empty where nobody knows."""
        return NAMES.get(self._numbers.get(name, 0), "")


def of_array(values: NDArray[np.generic]) -> int:
    """The data type of elements.

    Examples
    --------
    >>> import numpy as np
    >>> of_array(np.zeros(3, np.int8)) == INT8
    True
    """
    return ARRAYS.get(values.dtype.name, FLOAT)


def follow(records: Iterable[Record], kinds: MutableMapping[str, int]) -> None:
    """Add the data types of what records write, which come in an order of execution.

    Parameters
    ----------
    records : iterable of Record
    kinds : mapping
        TensorProto's number by value; the graph's inputs and constants are in it.

    Examples
    --------
    >>> kinds = {"x": FLOAT, "s": FLOAT, "z": INT8}
    >>> follow([Record("q", "QuantizeLinear", ("x", "s", "z"), ("q",)),
    ...         Record("c", "Cast", ("q",), ("c",), {"to": INT64})], kinds)
    >>> kinds["q"] == INT8, kinds["c"] == INT64
    (True, True)
    """
    for record in records:
        for position, name in enumerate(record.outputs):
            if name:
                kinds[name] = _kind(record, position, kinds)


def _kind(record: Record, position: int, kinds: Mapping[str, int]) -> int:
    target, inputs = record.target, record.inputs
    if target in FIXED and position < len(FIXED[target]):
        return FIXED[target][position]
    if target == "Cast" or (target == "QuantizeLinear" and len(inputs) < 3):
        key = "to" if target == "Cast" else "output_dtype"
        given = record.attributes.get(key)
        return given if isinstance(given, int) and given > 0 else (
            UINT8 if target == "QuantizeLinear" else FLOAT
        )  # fmt: skip
    if target in ("QuantizeLinear", "com.microsoft.QuantizeLinear"):
        return kinds.get(inputs[2], UINT8) if len(inputs) > 2 else UINT8
    if target in ("ConstantOfShape", "RandomNormal", "RandomUniform", "EyeLike"):
        value, dtype = record.attributes.get("value"), record.attributes.get("dtype")
        if isinstance(dtype, int):
            return dtype
        if isinstance(value, Constant) and value.values is not None:
            return of_array(value.values)
        return FLOAT
    if position and target in SECOND:
        return SECOND[target]
    at = LIKE.get(target, 0)
    return kinds.get(inputs[at], FLOAT) if len(inputs) > at else FLOAT
