"""What rules for ONNX operators share: their table, and how they read arguments."""

from __future__ import annotations

from dataclasses import replace

from memsim.errors import InputError
from memsim.formats.foreign.importer import Importer, Rules
from memsim.formats.foreign.records import Record
from memsim.yaml.document import shown

__all__ = [
    "RULES", "as_another", "axis_of", "decimal", "operand", "integer", "ints", "rule", "whole",
    "wrong",
]  # fmt: skip

RULES = Rules()
"""By operator; those of other domains carry the domain before a dot."""

rule = RULES.register


def wrong(importer: Importer, record: Record, message: str) -> InputError:
    """The error of a record that is no valid ONNX."""
    return InputError(importer.problem(record, message))


def ints(
    importer: Importer, record: Record, name: str, default: list[int] | None, count: int = 0
) -> list[int]:
    """An attribute that is a list of whole numbers."""
    value = record.attributes.get(name, default)
    if not isinstance(value, list) or (count and len(value) != count):
        expected = f"{count} whole numbers" if count else "whole numbers"
        raise wrong(importer, record, f"{name} must be {expected}, not {shown(value)}")
    if not all(isinstance(each, int) for each in value):
        raise wrong(importer, record, f"{name} must be whole numbers, not {shown(value)}")
    return value


def integer(importer: Importer, record: Record, name: str, default: int) -> int:
    """An attribute that is a whole number."""
    value = record.attributes.get(name, default)
    if not isinstance(value, int):
        raise wrong(importer, record, f"{name} must be a whole number, not {shown(value)}")
    return value


def decimal(number: float) -> float:
    """A number that ONNX stores in 32 bits, as it was written.

    Examples
    --------
    >>> decimal(0.20000000298023224)
    0.2
    """
    return float(f"{float(number):.6g}")


def operand(record: Record, position: int) -> str:
    """The name of an input; empty if it is left out."""
    return record.inputs[position] if len(record.inputs) > position else ""


def as_another(importer: Importer, record: Record, target: str, own: tuple[int, ...]) -> None:
    """Read a record as one of another operator, whose inputs are at some positions of its own."""
    inputs = [operand(record, position) for position in own]
    while not inputs[-1]:
        inputs.pop()
    RULES[target](importer, replace(record, target=target, inputs=tuple(inputs)))


def whole(importer: Importer, record: Record, position: int, attribute: str) -> list[int] | None:
    """Whole numbers that are an input or, in old files, an attribute; None if left out."""
    if operand(record, position):
        return [int(each) for each in importer.numbers(record.inputs[position])]
    if attribute in record.attributes:
        return ints(importer, record, attribute, None)
    return None


def axis_of(importer: Importer, record: Record, default: int, rank: int) -> int:
    """The axis attribute, counted from the front."""
    axis = integer(importer, record, "axis", default)
    if not -rank <= axis <= rank:
        raise wrong(importer, record, f"has the axis {axis} of {rank}")
    return axis + rank if axis < 0 else axis
