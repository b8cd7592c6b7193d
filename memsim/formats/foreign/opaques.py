"""Layers that stand for operators of a foreign graph that memsim does not know."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from memsim.errors import InputError
from memsim.formats.foreign.records import Constant, Record, View
from memsim.formats.foreign.unknown import Unread, told_form
from memsim.network.ops.opaque import Opaque

__all__ = ["add_opaque"]


def add_opaque(importer: Any, record: Record, why: str = "") -> None:
    """Add a layer for an operator without a rule, one for each output that is read.

    ``importer`` is the :class:`~memsim.formats.foreign.importer.Importer` that calls it.
    """
    names = [name for name in record.inputs if name]
    computed = [name for name in names if name not in importer.constants]
    layers = tuple(importer.unpadded(name).layer for name in computed)
    learned = [importer.constants[name] for name in names if name in importer.constants]
    params = sum(math.prod(each.shape) for each in learned if each.learned)
    for number, output in enumerate(record.outputs):
        if not output or output in importer.values or output in importer.constants:
            continue
        shape = importer.shape_of(record, number)
        if not layers:
            if shape is not None:
                importer.constants[output] = Constant.of(record, learned, shape, output=number)
            continue
        if not importer.readers[output]:
            continue
        if shape is None:
            message = why or f"the shape of what {record.target} writes is not known"
            raise InputError(replace(importer.place, message=message))
        image = importer.image(shape)
        op = Opaque(op=record.target[:200], shape=image, params=params)
        form = told_form(record, importer.constants, importer.values, shape)
        known = record.target in importer.rules
        importer.place = Unread.of(importer.problem(record), form, known, record.line)
        layer = importer.add(record.scope or record.target, op, layers)
        importer.own(layer, names)
        importer.values[output] = View(layer, shape)
