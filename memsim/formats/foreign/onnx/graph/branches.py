"""Branches of an ONNX graph: the one that is taken, where constants decide it."""

from __future__ import annotations

from collections.abc import Callable

from memsim.errors import InputError
from memsim.formats.foreign.importer import Importer, Stated
from memsim.formats.foreign.onnx.graph.kinds import FLOAT, follow
from memsim.formats.foreign.onnx.graph.nodes import Branch, Nodes
from memsim.formats.foreign.onnx.patterns import recognise
from memsim.formats.foreign.records import Record

__all__ = ["Branching"]

Fold = Callable[[Importer, Record], bool]


class Branching:
    """Puts the branch of an ``If`` in its place; other operators are folded as before.

    Parameters
    ----------
    nodes : Nodes
        Reads the branch, and learns the data type of every value on the way.
    fold : callable
    stated : Stated
        Shapes by value, for an ``If`` that must stay whole.
    """

    def __init__(self, nodes: Nodes, fold: Fold, stated: Stated) -> None:
        self._nodes, self._fold, self._stated = nodes, fold, stated

    def __call__(self, importer: Importer, record: Record) -> bool:
        """Make a record's outputs those of its branch, or constants; whether that was enough."""
        follow((record,), self._nodes.kinds)
        if record.target == "Cast" and record.inputs and record.inputs[0] in importer.values:
            kinds = self._nodes.kinds
            if kinds.get(record.inputs[0]) == kinds.get(record.outputs[0]):
                importer.alias(record)  # it changes nothing
                return True
        if record.target != "If":
            return self._fold(importer, record)
        condition = importer.constants.get(record.inputs[0]) if record.inputs else None
        if condition is None or condition.values is None or condition.values.size != 1:
            read = [name for name in record.outputs if importer.readers[name]]
            if any(self._stated.get(name) is None for name in read):
                message = "which branch is taken depends on the values of the input"
                hint = "export the model with one of the branches alone"
                raise InputError(importer.problem(record, message, hint))
            self._guess_kinds(record)
            return False
        taken = "then_branch" if bool(condition.values.reshape(-1)[0]) else "else_branch"
        branch = record.attributes.get(taken)
        if not isinstance(branch, Branch):
            return False
        self._take(importer, record, branch, taken)
        return True

    def _take(self, importer: Importer, record: Record, branch: Branch, taken: str) -> None:
        records, constants, outputs = self._nodes.branch(branch, record)
        importer.hold(constants)
        if len(outputs) != len(record.outputs):
            message = f"{taken} has {len(outputs)} outputs, not {len(record.outputs)}"
            raise InputError(importer.problem(record, message))
        importer.run(recognise(records, outputs), outputs)
        kinds = self._nodes.kinds
        for name, inner in zip(record.outputs, outputs, strict=True):
            kinds[name] = kinds.get(inner, FLOAT)
            if inner in importer.constants:
                importer.constants[name] = importer.constants[inner]
            elif inner in importer.values:
                importer.values[name] = importer.values[inner]
            else:
                message = f"{taken} has the output {inner!r}, which is nowhere"
                raise InputError(importer.problem(record, message))

    def _guess_kinds(self, record: Record) -> None:
        """The data types of what any branch writes, which are those of the other."""
        for branch in record.attributes.values():
            if isinstance(branch, Branch):
                for name, value in zip(record.outputs, branch.graph.output, strict=False):
                    self._nodes.kinds[name] = value.type.tensor_type.elem_type or FLOAT
