"""Products of matrices in ATen."""

from __future__ import annotations

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.products import (
    attention,
    bilinear,
    contraction,
    dense,
    distances,
    product,
)
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import given, rule


@rule("linear", "addmm", "mm", "matmul", "bmm", "mv", "dot", "vdot", "inner")
def _linear(importer: Importer, record: Record) -> None:
    inputs = record.inputs
    if record.target == "addmm":
        inputs = (inputs[1], inputs[2], inputs[0])
        importer.constant(inputs[2])
    weight = importer.constants.get(inputs[1])
    if inputs[0] in importer.constants and weight is not None:
        raise Unsupported  # a constant
    if weight is not None and len(weight.shape) == 2 and inputs[0] in importer.values:
        out = weight.shape[0] if record.target == "linear" else weight.shape[1]
        bias = len(inputs) > 2 and bool(inputs[2])
        dense(importer, record, inputs[0], out, bias=bias, parameters=inputs[1:])
    elif len(inputs) == 2 and record.target not in ("linear", "inner"):
        product(importer, record, inputs[0], inputs[1])
    else:
        raise Unsupported


@rule("einsum")
def _einsum(importer: Importer, record: Record) -> None:
    equation = str(record.attributes["equation"]).replace(" ", "")
    left, arrow, out = equation.partition("->")
    operands = left.split(",")
    if not arrow or len(operands) != 2 or "." in equation:
        raise Unsupported
    if all(name in importer.constants for name in record.inputs):
        raise Unsupported  # a constant
    one, other = record.inputs
    contraction(importer, record, one, other, (operands[0], operands[1], out))


@rule("scaled_dot_product_attention")
def _attention(importer: Importer, record: Record) -> None:
    mask = [record.inputs[3]] if given(record, 3) else []
    attention(importer, record, [*record.inputs[:3], *mask])


@rule("cdist", "_cdist_forward", "_euclidean_dist")
def _cdist(importer: Importer, record: Record) -> None:
    distances(importer, record, *record.inputs)


@rule("bilinear")
def _bilinear(importer: Importer, record: Record) -> None:
    one, other, weight = record.inputs[:3]
    bias = record.inputs[3] if given(record, 3) else ""
    bilinear(importer, record, one, other, weight, bias)
