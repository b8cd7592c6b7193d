"""Recurrent layers of foreign graphs, from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from memsim.formats.foreign.parts import Parts
from memsim.network.ops import OPERATORS

__all__ = ["Level", "last_states", "recurrent"]


@dataclass(frozen=True, slots=True)
class Level:
    """One of several recurrent layers, each of which reads what the one before it writes.

    Attributes
    ----------
    parameters : tuple of str
        Names of its weights and constants.
    options : dict
        Attributes of the operator.
    states : tuple of str
        Names of its first states; empty for those that are zero.
    backwards : bool
        From the last token to the first alone.
    """

    parameters: tuple[str, ...]
    options: dict[str, Any]
    states: tuple[str, ...] = ()
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class _Written:
    """What a recurrent layer writes: sequences x tokens x the features of each direction."""

    name: str
    ways: int
    backwards: bool


def recurrent(parts: Parts, name: str, kind: str, levels: Sequence[Level]) -> list[_Written]:
    """Add recurrent layers over sequences x tokens x features; what each of them writes."""
    importer, record = parts.importer, parts.record
    found: list[_Written] = []
    for number, level in enumerate(levels):
        op = OPERATORS[kind](**level.options)
        states = [importer.layer(parts.computed(each)) for each in level.states if each]
        output = f"{next(filter(None, record.outputs))}/level{number}"
        layer, shape = importer.layer(name), importer.source(name).shape
        features = op.output_shape((importer.images[layer],))[-1]
        one = replace(record, outputs=(output,), shapes=(), attributes={})
        importer.emit(
            one, op, layer, *states, shape=(*shape[:-1], features), parameters=level.parameters
        )
        found.append(_Written(output, 2 if level.options.get("both") else 1, level.backwards))
        name = output
    return found


def last_states(parts: Parts, written: Sequence[_Written]) -> str:
    """The state after the last step of each direction of each layer, one after the other.

    They are layers x sequences x features, and parts of what the layers write. The second state of
    an ``lstm``, which no layer writes, is counted as the first, which is as large.
    """
    found = []
    for each in written:
        _, tokens, features = parts.shape(each.name)
        size = features // each.ways
        for way in range(each.ways):
            last = 0 if each.backwards or way else tokens - 1
            name = parts.cut(each.name, 1, last, last + 1)
            name = parts.cut(name, 2, way * size, (way + 1) * size)
            found.append(parts.turned(name, (1, 0, 2)))
    return parts.joined(found, 0)
