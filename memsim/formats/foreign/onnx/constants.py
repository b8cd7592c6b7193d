"""The small computations on shapes that ONNX graphs are full of.

What they compute is said by ``onnx``'s own reference operators, one at a time, since most of the
graph is never computed. Three things are ours: ``Shape`` and the operators that only pass a weight
on, since weights are not loaded and have shapes alone; which operators may run, since a file must
not choose one that loops or draws random numbers; and a look at the size of what would come out
before it is made.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.records import Constant, Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.generic]

__all__ = ["Folding"]

MOST_VALUES = 1024
"""Elements of the largest operand and of the largest result; shapes and indices are short."""

SAME = ("Identity", "Cast", "QuantizeLinear", "DequantizeLinear", "Dropout")
"""Operators whose output is their first input, as far as a weight's shape goes."""

PICKING = ("Gather", "Slice", "Squeeze", "Unsqueeze", "Reshape", "Concat", "Cast", "ReduceProd")
"""Operators that may run; they write little more than they read."""

ELEMENTWISE = (
    "Add", "Sub", "Mul", "Div", "Mod", "Neg", "Abs", "Min", "Max", "Floor", "Ceil", "Sqrt", "Equal",
    "Greater", "Less", "Not", "And", "Or", "Where",
)  # fmt: skip
"""Operators that may run; several small operands can broadcast to a huge result."""

FILLING = ("Range", "ConstantOfShape", "Expand")
"""Operators that may run; the size of their result is what their operands say."""


class Folding:
    """Computes the operators of a graph whose inputs are constants, or that ask for a shape.

    Parameters
    ----------
    opset : int
        The version of ONNX's operators that the file uses.
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self._evaluators: dict[bytes, Any] = {}

    def __call__(self, importer: Importer, record: Record) -> bool:
        """Make a record's output a constant.

        Returns
        -------
        bool
            False where the operator must be treated like any other.
        """
        import numpy as np

        output = record.outputs[0]
        if not output:
            return False
        if record.target == "Shape" and record.inputs and record.inputs[0]:
            name = record.inputs[0]
            held = importer.constants.get(name)
            shape = importer.values[name].shape if held is None else held.shape
            start, end = record.attributes.get("start", 0), record.attributes.get("end")
            sizes = np.array(shape, dtype=np.int64)[start:end]
            importer.constants[output] = Constant(sizes.shape, sizes)
            return True
        names = [name for name in record.inputs if name]
        if any(name not in importer.constants for name in names) or len(record.outputs) != 1:
            return False
        operands = {name: importer.constants[name] for name in names}
        first = operands.get(record.inputs[0]) if record.inputs else None
        if record.target in SAME and first is not None:
            values = self._run(record, operands) if record.target == "Cast" else first.values
            importer.constants[output] = replace(first, values=values)
            return True
        if record.target == "Transpose" and first is not None:
            order = record.attributes.get("perm") or range(len(first.shape))[::-1]
            if sorted(order) == list(range(len(first.shape))):
                shape = tuple(first.shape[axis] for axis in order)
                values = None if first.values is None else first.values.transpose(order)
                importer.constants[output] = replace(first, shape=shape, values=values)
                return True
        result = self._run(record, operands)
        if result is None:
            return False
        read = [operands[name] for name in names]
        constant = Constant.of(record, read, result.shape, result)
        if result.size == 1:
            constant = Constant(result.shape, result)
        importer.constants[output] = constant
        return True

    def _run(self, record: Record, operands: dict[str, Constant]) -> Array | None:
        """The result, or None where it is not small or cannot be computed."""
        import numpy as np

        if record.target not in (*PICKING, *ELEMENTWISE, *FILLING):
            return None
        values = {name: held.values for name, held in operands.items() if held.values is not None}
        if len(values) < len(operands) or any(v.size > MOST_VALUES for v in values.values()):
            return None
        try:
            with np.errstate(all="ignore"):
                if not _size(record, values) <= MOST_VALUES:
                    return None
                feeds = {str(i): values[name] for i, name in enumerate(record.inputs) if name}
                (result,) = self._evaluator(record, values).run(None, feeds, attributes={})
        except Exception:  # the file computes nonsense: what reads the result will tell
            return None
        result = np.asarray(result)
        return result if result.size <= MOST_VALUES and result.dtype.kind in "biuf" else None

    def _evaluator(self, record: Record, values: dict[str, Array]) -> Any:
        """What runs an operator like a record's; its inputs are called 0, 1, ..."""
        from onnx import helper, numpy_helper
        from onnx.reference import ReferenceEvaluator

        attributes = {
            name: numpy_helper.from_array(value.values) if isinstance(value, Constant) else value
            for name, value in record.attributes.items()
        }
        if record.target == "Unsqueeze" and "axes" in attributes:
            # The reference inserts them one after the other, which is right in this order alone.
            axes = attributes["axes"]
            rank = values[record.inputs[0]].ndim + len(axes)
            attributes["axes"] = sorted(axis + rank if axis < 0 else axis for axis in axes)
        inputs = [str(i) if name else "" for i, name in enumerate(record.inputs)]
        node = helper.make_node(record.target, inputs, ["result"], **attributes)
        key = node.SerializeToString()
        if key not in self._evaluators:
            read = [name for name in inputs if name]
            opset = [helper.make_opsetid("", self.opset)]
            function = helper.make_function("memsim", "one", read, ["result"], [node], opset)
            self._evaluators[key] = ReferenceEvaluator(function)
        return self._evaluators[key]


def _size(record: Record, values: dict[str, Array]) -> float:
    """How many elements an operator would write; 0 where it cannot be many."""
    import numpy as np

    operands = [values[name] for name in record.inputs if name]
    size: float = 0
    if record.target in ELEMENTWISE:
        size = math.prod(np.broadcast_shapes(*(each.shape for each in operands)))
    elif record.target == "Range":
        start, stop, step = (float(each.item()) for each in operands)
        size = abs((stop - start) / step)
    elif record.target == "ConstantOfShape":
        size = math.prod(operands[0].tolist())
    elif record.target == "Expand":
        shape = operands[1].tolist()
        size = max(math.prod(shape), math.prod(np.broadcast_shapes(operands[0].shape, shape)))
    return size
