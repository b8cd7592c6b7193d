"""Products of matrices in ATen."""

from __future__ import annotations

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.products import dense, product
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import rule


@rule("linear", "addmm", "mm", "matmul", "bmm", "baddbmm")
def _linear(importer: Importer, record: Record) -> None:
    inputs = record.inputs
    if record.target in ("addmm", "baddbmm"):
        inputs = (inputs[1], inputs[2], inputs[0])
        importer.constant(inputs[2])
    if inputs[1] in importer.constants:
        weight = importer.constant(inputs[1]).shape
        if len(weight) != 2:
            raise Unsupported
        out = weight[0] if record.target == "linear" else weight[1]
        bias = len(inputs) > 2 and bool(inputs[2])
        dense(importer, record, inputs[0], out, bias=bias, parameters=inputs[1:])
    elif len(inputs) == 2:
        product(importer, record, inputs[0], inputs[1])
    else:
        raise Unsupported
