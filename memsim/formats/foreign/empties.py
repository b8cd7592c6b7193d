"""Tensors of no elements: nothing is computed, stored or moved of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from memsim.errors import InputError, Problem
from memsim.formats.foreign.records import Constant, Dims, Record
from memsim.yaml.document import shown

__all__ = ["note_empty", "nothing", "refuse_empty", "with_elements"]


def note_empty(importer: Any, record: Record) -> bool:
    """Note the outputs of a record none of which has an element; whether it is such.

    ``importer`` is the :class:`~memsim.formats.foreign.importer.Importer` that calls it.
    """
    constants = importer.constants
    if not record.shapes and not any(
        name in constants and 0 in constants[name].shape for name in record.inputs
    ):
        return False  # what the rule selects is told by the rule
    names = [name for name in record.outputs if name]
    shapes = [importer.shape_of(record, n) for n, name in enumerate(record.outputs) if name]
    if not shapes or any(shape is None or math.prod(shape) for shape in shapes):
        return False
    for name, shape in zip(names, shapes, strict=True):
        importer.constants[name] = nothing(shape)
    return True


def nothing(shape: Dims) -> Constant:
    """A tensor that has an axis of size 0."""
    import numpy as np

    return Constant(shape, np.zeros(shape, np.float32))


def refuse_empty(importer: Any, outputs: Iterable[str]) -> None:
    """Raise for outputs of a graph that have no element."""
    kept = {*with_elements(importer, tuple(outputs))}
    problems = [
        Problem(f"output {shown(name)} has no elements", file=importer.file)
        for name in outputs
        if name not in kept
    ]
    if problems:
        raise InputError(*problems)


def with_elements(importer: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of some values that have elements."""
    constants = importer.constants
    return tuple(name for name in names if name not in constants or 0 not in constants[name].shape)
