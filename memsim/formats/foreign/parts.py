"""Operators of a foreign graph that are written out as others of the same framework."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.moves import concat, crop, permute
from memsim.formats.foreign.records import Constant, Dims, Record, Unsupported

__all__ = ["Parts"]


class Parts:
    """Writes an operator out as parts, each by the rule (or the folding) of its name.

    It is a context: where a part has a form that memsim does not have, none of them stays.

    Parameters
    ----------
    importer : Importer
    record : Record
        The operator that is written out; its layers get its name.
    """

    def __init__(self, importer: Importer, record: Record) -> None:
        self.importer, self.record = importer, record
        self._count = 0

    def __enter__(self) -> Parts:
        importer = self.importer
        self._nodes = len(importer.nodes)
        self._values, self._constants = {*importer.values}, {*importer.constants}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.importer.forget([*self.importer.nodes][self._nodes :])
            for known, now in (
                (self._values, self.importer.values), (self._constants, self.importer.constants),
            ):  # fmt: skip
                for name in [each for each in now if each not in known]:
                    del now[name]

    def shape(self, name: str) -> Dims:
        """The shape of a value, computed or not."""
        held = self.importer.constants.get(name)
        return self.importer.source(name).shape if held is None else held.shape

    def read(self, number: int) -> bool:
        """Whether somebody reads one of the operator's outputs."""
        outputs = self.record.outputs
        name = outputs[number] if len(outputs) > number else ""
        return bool(name) and self.importer.readers[name] > 0

    def __call__(self, target: str, *inputs: str, scope: str = "", **attributes: Any) -> str:
        """Add a part with one output; return the output's name."""
        importer, own = self.importer, self.record
        name = self._name()
        scope = f"{own.scope or own.target}.{scope or target.rpartition('.')[2].lower()}"
        part = Record(own.name, target, inputs, (name,), attributes, scope=scope, line=own.line)
        importer.readers.update(each for each in inputs if each)
        if importer.fold is None or not importer.fold(importer, part):
            rule = importer.rules.get(target)
            if rule is None:
                raise Unsupported
            rule(importer, part)
        return name

    def _name(self) -> str:
        self._count += 1
        return f"{next(filter(None, self.record.outputs))}/{self._count}"

    def cut(self, name: str, axis: int, start: int, stop: int) -> str:
        """Add the places ``[start, stop)`` of an axis, of a stored tensor or a computed one."""
        shape = self.shape(name)
        if (start, stop) == (0, shape[axis]):
            return name
        held, output = self.importer.constants.get(name), self._name()
        kept = (*shape[:axis], stop - start, *shape[axis + 1 :])
        own = self.record
        scope = f"{own.scope or own.target}.slice"
        part = Record(own.name, "Slice", (name,), (output,), {"axis": axis, "start": start},
                      scope=scope, line=own.line)  # fmt: skip
        self.importer.readers[name] += 1
        if held is None:
            crop(self.importer, part, [(axis, start, stop, 1)])
        else:
            values = held.values
            places = (slice(None),) * axis + (slice(start, stop),)
            values = None if values is None else values[places]
            self.importer.constants[output] = Constant.of(part, [held], kept, values)
        return output

    def computed(self, name: str) -> str:
        """A value that is a tensor of some layer; a stored one becomes a parameter."""
        self.importer.tensor(name, self.record)
        return name

    def _moved(self, *names: str) -> Record:
        """The record of a part that moves elements of values."""
        own = self.record
        self.importer.readers.update(names)
        return Record(own.name, own.target, names, (self._name(),), scope=own.scope or own.target,
                      line=own.line)  # fmt: skip

    def turned(self, name: str, order: Sequence[int]) -> str:
        """Add a computed value with its axes in another order."""
        part = self._moved(name)
        permute(self.importer, part, order)
        return part.outputs[0]

    def seen(self, name: str, shape: Dims) -> str:
        """A computed value seen in another shape."""
        part = self._moved(name)
        self.importer.view(part, shape)
        return part.outputs[0]

    def joined(self, names: Sequence[str], axis: int) -> str:
        """Add computed values one after the other along an axis."""
        if len(names) == 1:
            return names[0]
        part = self._moved(*names)
        concat(self.importer, part, axis)
        return part.outputs[0]

    def numbers(self, values: Sequence[int]) -> str:
        """Add a stored tensor of whole numbers, which count nowhere."""
        import numpy as np

        name = self._name()
        self.importer.constants[name] = Constant((len(values),), np.array(values, np.int64))
        return name

    def give(self, name: str, output: int = 0) -> None:
        """Let one of the operator's outputs be a value."""
        own = self.record.outputs[output]
        if name in self.importer.constants:
            self.importer.constants[own] = self.importer.constants[name]
        else:
            self.importer.values[own] = self.importer.source(name)
