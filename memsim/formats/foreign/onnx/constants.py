"""The small computations on shapes that ONNX graphs are full of.

What they compute is said by ``onnx``'s own reference operators, one at a time, since most of the
graph is never computed. Three things are ours: ``Shape`` and the operators that only pass a weight
on, since weights are not loaded and have shapes alone; which operators may run, since a file must
not choose one that loops or draws random numbers; and a look at the size of what would come out
before it is made. What does not run is a constant all the same: one of which the shape is known.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.onnx.graph.kinds import NAMES
from memsim.formats.foreign.records import Constant, Dims, Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.generic]

__all__ = ["Folding"]

MOST_VALUES = 1 << 16
"""Elements of the largest operand and of the largest result: a grid of 256 x 256 positions."""

FEW_VALUES = 1024
"""Elements of a result that is always computed."""

STORE = 1 << 22
"""Elements of all computations with more than :data:`FEW_VALUES`; others keep shapes alone."""

SAME = ("Identity", "Cast", "QuantizeLinear", "DequantizeLinear", "Dropout")
"""Operators whose output is their first input, as far as a weight's shape goes."""

PICKING = (
    "Gather", "GatherElements", "GatherND", "Slice", "Split", "Squeeze", "Unsqueeze", "Reshape",
    "Flatten", "Concat", "Cast", "CastLike", "Trilu", "CumSum", "ArgMax", "ArgMin", "NonZero",
    "ScatterND", "ScatterElements", "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin",
    "ReduceMean",
)  # fmt: skip
"""Operators that may run; they write little more than they read."""

ELEMENTWISE = (
    "Add", "Sub", "Mul", "Div", "Mod", "Pow", "Neg", "Abs", "Sign", "Min", "Max", "Floor", "Ceil",
    "Round", "Sqrt", "Exp", "Log", "Sin", "Cos", "Reciprocal", "Clip", "Equal", "Greater",
    "GreaterOrEqual", "Less", "LessOrEqual", "Not", "And", "Or", "Xor", "Where", "Sum",
)  # fmt: skip
"""Operators that may run; several small operands can broadcast to a huge result."""

FILLING = ("Range", "ConstantOfShape", "Expand", "Tile")
"""Operators that may run; the size of their result is what their operands say."""


class Inference(Protocol):
    """What knows the shapes of outputs."""

    def infer(self, record: Record, /) -> list[Dims | None]:
        """The shapes of what an operator writes; None where one is not known."""


class Folding:
    """Computes the operators of a graph whose inputs are constants, or that ask for a shape.

    Parameters
    ----------
    opset : int
        The version of ONNX's operators that the file uses.
    shapes : Inference, optional
        Says how large a result is that is not computed; without it that is left to the rules.
    """

    def __init__(self, opset: int, shapes: Inference | None = None) -> None:
        self.opset, self.shapes = opset, shapes
        self._left = STORE
        self._evaluators: dict[bytes, Any] = {}

    def __call__(self, importer: Importer, record: Record) -> bool:
        """Make a record's outputs constants.

        Returns
        -------
        bool
            False where the operator must be treated like any other.
        """
        import numpy as np

        if not any(record.outputs):
            return False
        output = record.outputs[0]
        if record.target in ("Shape", "Size") and record.inputs and record.inputs[0] and output:
            name = record.inputs[0]
            held = importer.constants.get(name)
            shape = importer.values[name].shape if held is None else held.shape
            start, end = record.attributes.get("start", 0), record.attributes.get("end")
            sizes = np.array(shape, dtype=np.int64)
            answer = sizes[start:end] if record.target == "Shape" else np.array(math.prod(shape))
            importer.constants[output] = Constant(answer.shape, answer)
            return True
        names = [name for name in record.inputs if name]
        if record.target == "EyeLike" and names and output:  # takes a shape alone
            held = importer.constants.get(names[0])
            shape = importer.values[names[0]].shape if held is None else held.shape
            few = len(shape) == 2 and math.prod(shape) <= FEW_VALUES
            values = np.eye(shape[0], shape[1], k=record.attributes.get("k", 0)) if few else None
            importer.constants[output] = Constant(shape, values)
            return True
        if any(name not in importer.constants for name in names):
            return False
        operands = {name: importer.constants[name] for name in names}
        first = operands.get(record.inputs[0]) if record.inputs else None
        passed = None if first is None or not output else self._passed(record, first, operands)
        if passed is not None:
            importer.constants[output] = passed
            return len(record.outputs) == 1 or self._shaped(importer, record, operands)
        results = self._run(record, operands)
        if results is None:
            return self._shaped(importer, record, operands)
        for name, result in zip(record.outputs, results, strict=False):
            if name:
                importer.constants[name] = _computed(record, operands, result.shape, result)
        return True

    def _passed(
        self, record: Record, first: Constant, operands: dict[str, Constant]
    ) -> Constant | None:
        """What an operator makes of a constant that it passes on; None if it does more."""
        if record.target in SAME:
            values = first.values
            dtype = first.dtype
            if record.target == "Cast":
                results = self._run(record, operands)
                values = None if results is None else results[0]
                dtype = NAMES.get(record.attributes.get("to", 0), "")
            elif record.target == "QuantizeLinear":
                zero = [operands[name] for name in record.inputs[2:] if name]
                values, dtype = None, zero[0].dtype if zero else "uint8"
            elif record.target == "DequantizeLinear":
                values = None  # and it is stored as it is: what reads it dequantises
            return replace(first, values=values, dtype=dtype)
        if record.target == "Transpose":
            order = record.attributes.get("perm") or range(len(first.shape))[::-1]
            if sorted(order) == list(range(len(first.shape))):
                shape = tuple(first.shape[axis] for axis in order)
                values = None if first.values is None else first.values.transpose(order)
                return replace(first, shape=shape, values=values)
        return None

    def _shaped(self, importer: Importer, record: Record, operands: dict[str, Constant]) -> bool:
        """Make outputs constants of which the shape is known, if it is known of all."""
        missing = [name not in importer.constants for name in record.outputs]
        shapes = self.shapes.infer(record) if self.shapes is not None else [None] * len(missing)
        known = {name: shape for name, shape in zip(record.outputs, shapes, strict=True)
                 if name and shape is not None}  # fmt: skip
        if any(name and name not in known for name in record.outputs):
            return False
        for name, shape in known.items():
            if name not in importer.constants:
                importer.constants[name] = _computed(record, operands, shape)
        return True

    def _run(self, record: Record, operands: dict[str, Constant]) -> list[Array] | None:
        """The results, or None where they are not small or cannot be computed."""
        import numpy as np

        if record.target not in (*PICKING, *ELEMENTWISE, *FILLING):
            return None
        values = {name: held.values for name, held in operands.items() if held.values is not None}
        if len(values) < len(operands) or any(v.size > MOST_VALUES for v in values.values()):
            return None
        try:
            with np.errstate(all="ignore"):
                size = max(_size(record, values), *(each.size for each in values.values()), 0)
                if not size <= min(MOST_VALUES, max(self._left, FEW_VALUES)):
                    return None
                self._left -= int(size) if size > FEW_VALUES else 0
                feeds = {str(i): values[name] for i, name in enumerate(record.inputs) if name}
                results = self._evaluator(record, values).run(None, feeds, attributes={})
        except Exception:  # the file computes nonsense: what reads the result will tell
            return None
        arrays = [np.asarray(result) for result in results]
        if any(each.size > MOST_VALUES or each.dtype.kind not in "biuf" for each in arrays):
            return None
        return arrays

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
        outputs = [f"result{i}" for i in range(len(record.outputs))]
        node = helper.make_node(record.target, inputs, outputs, **attributes)
        key = node.SerializeToString()
        if key not in self._evaluators:
            read = [name for name in inputs if name]
            opset = [helper.make_opsetid("", self.opset)]
            function = helper.make_function("memsim", "one", read, outputs, [node], opset)
            self._evaluators[key] = ReferenceEvaluator(function)
        return self._evaluators[key]


def _computed(
    record: Record,
    operands: dict[str, Constant],
    shape: Dims,
    values: Array | None = None,
    output: int = 0,
) -> Constant:
    """A result of constants; a number, and what is made of numbers alone, is no parameter."""
    read = [operands[name] for name in record.inputs if name]
    if math.prod(shape) <= 1 or all(math.prod(each.shape) <= 1 for each in read):
        return Constant(shape, values)
    return Constant.of(record, read, shape, values, output)


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
    elif record.target == "Tile":
        size = operands[0].size * math.prod(max(1, times) for times in operands[1].tolist())
    elif record.target == "Gather":
        axis = record.attributes.get("axis", 0)
        size = operands[1].size * operands[0].size / max(1, operands[0].shape[axis])
    elif record.target == "GatherND":
        *places, depth = operands[1].shape
        size = math.prod(places) * math.prod(operands[0].shape[depth:])
    elif record.target == "NonZero":
        size = operands[0].size * operands[0].ndim
    return size
