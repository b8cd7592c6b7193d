"""Elementwise operators of foreign graphs, from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from memsim.formats.foreign.importer import Importer, Rule
from memsim.formats.foreign.records import Record, Unsupported
from memsim.network.ops import OPERATORS, Operator
from memsim.network.ops.base import broadcast
from memsim.network.ops.norm import Softmax
from memsim.network.ops.pointwise import Complement, LeakyRelu
from memsim.network.ops.scale import Scale
from memsim.network.ops.shape import Dropout

__all__ = ["clamp", "combine", "dropout", "elementwise", "leaky_relu", "plain", "scale", "softmax"]


def elementwise(importer: Importer, record: Record, op: Operator, name: str = "") -> None:
    """Add an operator whose output has the shape of what it reads: the first input or ``name``."""
    name = name or record.inputs[0]
    shape = importer.source(name).shape
    importer.emit(record, op, importer.layer(name), shape=shape)


def plain(kinds: Mapping[str, str]) -> dict[str, Rule]:
    """Rules for operators that have no attributes that count: memsim's kind by foreign name."""

    def rule(kind: str) -> Rule:
        return lambda importer, record: elementwise(importer, record, OPERATORS[kind]())

    return {name: rule(kind) for name, kind in kinds.items()}


def clamp(importer: Importer, record: Record, low: float, high: float) -> None:
    """Add the activation that bounds its input; infinite where there is no bound."""
    if low != 0 or high not in (6, math.inf):
        raise Unsupported
    elementwise(importer, record, OPERATORS["relu6" if high == 6 else "relu"]())


def leaky_relu(importer: Importer, record: Record, slope: float) -> None:
    """Add a ReLU that multiplies what is negative by ``slope``."""
    elementwise(importer, record, LeakyRelu(slope=slope))


def softmax(importer: Importer, record: Record, axis: int) -> None:
    """Add a softmax along an axis of the first input."""
    name = record.inputs[0]
    shape = importer.source(name).shape
    layer, along = importer.layer(name), importer.axis(shape, axis)
    given = None if importer.images[layer].channel == along else along
    importer.emit(record, Softmax(axis=given), layer, shape=shape)


def dropout(importer: Importer, record: Record, rate: float) -> None:
    """Add a dropout; what no rate can be, and what a constant drops, is left out."""
    if record.inputs[0] in importer.constants or not 0 <= rate < 1:
        importer.alias(record)
    else:
        elementwise(importer, record, Dropout(rate=rate))


def scale(
    importer: Importer, record: Record, name: str, *, factor: float = 1.0, shift: float = 0.0
) -> None:
    """Add ``factor * name + shift``."""
    if not (math.isfinite(factor) and math.isfinite(shift)):
        raise Unsupported
    complement = (factor, shift) == (-1, 1)
    op = Complement() if complement else Scale(factor=factor, shift=shift)
    elementwise(importer, record, op, name)


def combine(importer: Importer, record: Record, kind: str) -> None:
    """Add the sum (``add``) or product (``mul``) of all inputs, which are computed."""
    shapes = [importer.source(name).shape for name in record.inputs]
    rank = max(map(len, shapes))
    layers = []
    for name, shape in zip(record.inputs, shapes, strict=True):
        if len(shape) == rank:
            layers.append(importer.layer(name))
        elif importer.batch == 1:  # aligned at the last axes; the batch is one of those it lacks
            layers.append(importer.seen(name, (1,) * (rank - 1 - len(shape)) + shape))
        else:
            raise Unsupported
    importer.emit(record, OPERATORS[kind](), *layers, shape=broadcast(kind, tuple(shapes)))
