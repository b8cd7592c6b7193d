"""Operators that ONNX graphs spell out: SiLU, hard swish and GELU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from memsim.formats.foreign.records import Record

__all__ = ["recognise"]

GATES = {"Sigmoid": "Silu", "HardSigmoid": "HardSwish"}
"""``Mul(x, gate(x))`` by gate."""


def recognise(records: Iterable[Record], outputs: Iterable[str]) -> list[Record]:
    """Records with the patterns replaced by one operator each.

    Examples
    --------
    >>> [record.target for record in recognise([
    ...     Record("s", "Sigmoid", ("x",), ("s",)), Record("m", "Mul", ("s", "x"), ("y",))], ["y"])]
    ['Silu']
    """
    records = list(records)
    readers = Counter(name for record in records for name in record.inputs)
    readers.update(outputs)
    writer = {name: record for record in records for name in record.outputs if name}
    gone: set[int] = set()
    kept: list[Record] = []

    def alone(name: str, *targets: str) -> Record | None:
        """The operator that writes a value that is read once."""
        record = writer.get(name)
        if record is None or readers[name] != 1 or record.target not in targets:
            return None
        return record

    def gated(record: Record) -> Record | None:
        for source, name in (record.inputs, record.inputs[::-1]):
            gate = alone(name, *GATES)
            if gate is not None and gate.inputs[:1] == (source,):
                gone.add(id(gate))
                return replace(record, target=GATES[gate.target], inputs=(source,), attributes={})
        return None

    def gelu(record: Record) -> Record | None:
        """``x * (1 + erf(x / c)) * 0.5``, its two products in either order."""
        for name in record.inputs:
            inner = alone(name, "Mul")
            pairs = [record.inputs] if inner is None else [inner.inputs, record.inputs]
            for add_name in (each for pair in pairs for each in pair):
                add = alone(add_name, "Add")
                erf = next(filter(None, (alone(each, "Erf") for each in add.inputs)), None) if (
                    add is not None
                ) else None  # fmt: skip
                scaled = alone(erf.inputs[0], "Div", "Mul") if erf is not None else None
                if inner is None or add is None or erf is None or scaled is None:
                    continue
                for source in scaled.inputs:
                    if source in record.inputs or source in inner.inputs:
                        gone.update(map(id, (inner, add, erf, scaled)))
                        return replace(record, target="Gelu", inputs=(source,), attributes={})
        return None

    for record in records:
        if record.target == "Mul" and len(record.inputs) == 2:
            record = gated(record) or gelu(record) or record
        kept.append(record)
    return [record for record in kept if id(record) not in gone]
