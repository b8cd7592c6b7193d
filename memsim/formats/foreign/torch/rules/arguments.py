"""What the rules of ATen operators have in common: their registry and their arguments."""

from __future__ import annotations

from typing import Any

from memsim.formats.foreign.importer import Importer, Rules
from memsim.formats.foreign.records import Record, Unsupported

RULES = Rules()
"""By name of the ATen operator, without its overload and without the in-place underscore."""


rule = RULES.register


def sizes_of(value: Any, axes: int, default: Any = None) -> tuple[int, ...]:
    """An argument of one number or one for each axis; an empty list stands for the default."""
    if value is None or (isinstance(value, list | tuple) and not value):
        value = default
    numbers = (value,) if isinstance(value, int) else tuple(value)
    numbers = numbers * axes if len(numbers) == 1 else numbers
    if len(numbers) != axes or not all(isinstance(each, int) for each in numbers):
        raise Unsupported
    return numbers


def given(record: Record, position: int) -> bool:
    """Whether an optional tensor is there."""
    return len(record.inputs) > position and bool(record.inputs[position])


def axis_of(record: Record, importer: Importer, name: str = "dim") -> int:
    """An axis argument, counted from the front."""
    read = record.inputs[0]
    held = importer.constants.get(read)
    rank = len(importer.source(read).shape if held is None else held.shape)
    axis = record.attributes[name]
    if not isinstance(axis, int):
        raise Unsupported
    return axis % rank if rank else 0
