"""What the rules of ATen operators have in common: their registry and their arguments."""

from __future__ import annotations

from typing import Any

from memsim.formats.foreign.importer import Importer, Rules
from memsim.formats.foreign.records import Record, Unsupported
from memsim.network.ops.base import sides

RULES = Rules()
"""By name of the ATen operator, without its overload and without the in-place underscore."""


rule = RULES.register


def two(value: Any, default: Any = None) -> tuple[int, int]:
    """An argument of one or two numbers; an empty list stands for the default."""
    if value is None or (isinstance(value, list | tuple) and not value):
        value = default
    numbers = (value,) if isinstance(value, int) else tuple(value)
    if len(numbers) > 2 or not all(isinstance(each, int) for each in numbers):
        raise Unsupported
    return (numbers[0], numbers[-1])


def pads_of(value: Any) -> tuple[int, int, int, int]:
    """Padding of one or two numbers, on all sides."""
    return sides(two(value))


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
