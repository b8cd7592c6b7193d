"""ONNX's operators on whole numbers, and those that change the data type.

A quantised operator is the plain one on quantised tensors: scales and zero points are a few numbers
that change nothing that memsim counts. In which data type each tensor is stored is found apart, by
:mod:`memsim.formats.foreign.onnx.graph.kinds`.
"""

from __future__ import annotations

from dataclasses import replace

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.elementwise import elementwise
from memsim.formats.foreign.onnx.arguments import RULES, as_another, integer, rule
from memsim.formats.foreign.onnx.graph.kinds import FLOAT, NAMES
from memsim.formats.foreign.records import Constant, Record, Unsupported
from memsim.network.ops.convert import Cast, Dequantize, DynamicQuantize, Quantize

PLAIN: dict[str, tuple[str, tuple[int, ...]]] = {
    "QLinearConv": ("Conv", (0, 3, 8)),
    "ConvInteger": ("Conv", (0, 1)),
    "QLinearMatMul": ("MatMul", (0, 3)),
    "MatMulInteger": ("MatMul", (0, 1)),
    "com.microsoft.QGemm": ("Gemm", (0, 3, 6)),
    "com.microsoft.QLinearAdd": ("Add", (0, 3)),
    "com.microsoft.QLinearMul": ("Mul", (0, 3)),
    "com.microsoft.QLinearSigmoid": ("Sigmoid", (0,)),
    "com.microsoft.QLinearLeakyRelu": ("LeakyRelu", (0,)),
    "com.microsoft.QLinearSoftmax": ("Softmax", (0,)),
    "com.microsoft.QLinearReduceMean": ("ReduceMean", (0,)),
    "com.microsoft.MatMulIntegerToFloat": ("MatMul", (0, 1)),
    "com.microsoft.DynamicQuantizeMatMul": ("MatMul", (0, 1)),
}  # fmt: skip
"""By quantised operator: the plain one, and which inputs are its own."""


@rule(*PLAIN)
def _as_plain(importer: Importer, record: Record) -> None:
    as_another(importer, record, *PLAIN[record.target])


@rule("com.microsoft.QLinearConcat")
def _concat(importer: Importer, record: Record) -> None:
    inputs = record.inputs[2::3]  # scale and zero point of the output, then three for each
    RULES["Concat"](importer, replace(record, target="Concat", inputs=inputs))


@rule("QuantizeLinear", "com.microsoft.QuantizeLinear")
def _quantize(importer: Importer, record: Record) -> None:
    elementwise(importer, record, Quantize())


@rule("DequantizeLinear", "com.microsoft.DequantizeLinear")
def _dequantize(importer: Importer, record: Record) -> None:
    elementwise(importer, record, Dequantize())


@rule("DynamicQuantizeLinear")
def _dynamic(importer: Importer, record: Record) -> None:
    """Its scale and zero point are numbers that are not known."""
    elementwise(importer, record, DynamicQuantize())
    for name in record.outputs[1:]:
        if name:
            importer.constants[name] = Constant(())


@rule("Cast")
def _cast(importer: Importer, record: Record) -> None:
    dtype = NAMES.get(integer(importer, record, "to", FLOAT))
    if dtype is None:
        raise Unsupported
    elementwise(importer, record, Cast.model_validate({"dtype": dtype}))
