"""The small computations on shapes that ONNX graphs are full of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.records import Constant, Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.generic]

__all__ = ["fold"]

MOST_VALUES = 1024
"""Elements of the largest result; shapes and indices are short."""

SAME = ("Identity", "Cast", "QuantizeLinear", "DequantizeLinear", "Dropout")
"""Operators whose output is their first input, as far as a weight's shape goes."""

TYPES = {1: "f4", 2: "u1", 3: "i1", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8"}
"""NumPy's data types by TensorProto's number."""


def fold(importer: Importer, record: Record) -> bool:
    """Compute an operator whose inputs are constants, or that asks for a shape.

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
    operands = [importer.constants[name] if name else None for name in record.inputs]
    first = operands[0] if operands else None
    if record.target in SAME and first is not None:
        values = _evaluate(record, operands) if record.target == "Cast" else first.values
        importer.constants[output] = Constant(first.shape, values, first.learned)
        return True
    if record.target == "Transpose" and first is not None:
        order = record.attributes.get("perm") or range(len(first.shape))[::-1]
        if sorted(order) == list(range(len(first.shape))):
            shape = tuple(first.shape[axis] for axis in order)
            values = None if first.values is None else first.values.transpose(order)
            importer.constants[output] = Constant(shape, values, first.learned)
            return True
    result = _evaluate(record, operands)
    if result is None:
        return False
    learned = any(each is not None and each.learned for each in operands) and result.size > 1
    importer.constants[output] = Constant(result.shape, result, learned)
    return True


def _evaluate(record: Record, operands: list[Constant | None]) -> Array | None:
    """The result, or None where it is not small or cannot be computed."""
    import numpy as np

    function = FUNCTIONS.get(record.target)
    values = [None if each is None else each.values for each in operands]
    if function is None or any(
        each is not None and (each.values is None or each.values.size > MOST_VALUES)
        for each in operands
    ):
        return None
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(function(np, record.attributes, *values))
    except Exception:  # the file computes nonsense: what reads the result will tell
        return None
    return result if result.size <= MOST_VALUES and result.dtype.kind in "biuf" else None


def _gather(np: Any, given: Any, data: Array, indices: Array) -> Any:
    return np.take(data, indices, axis=given.get("axis", 0))


def _slice(np: Any, given: Any, data: Array, *rest: Any) -> Any:
    starts, ends, axes, steps = (*rest, *(None,) * 4)[:4]
    starts = given.get("starts") if starts is None else starts.tolist()
    ends = given.get("ends") if ends is None else ends.tolist()
    axes = given.get("axes", list(range(len(starts)))) if axes is None else axes.tolist()
    steps = [1] * len(starts) if steps is None else steps.tolist()
    where = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        where[axis] = slice(start, end, step)
    return data[tuple(where)]


def _axes(given: Any, axes: Array | None) -> tuple[int, ...] | None:
    found = given.get("axes") if axes is None else axes.reshape(-1).tolist()
    return None if found is None else tuple(found)


def _squeeze(np: Any, given: Any, data: Array, axes: Any = None) -> Any:
    return np.squeeze(data, _axes(given, axes))


def _unsqueeze(np: Any, given: Any, data: Array, axes: Any = None) -> Any:
    return np.expand_dims(data, _axes(given, axes))


def _reshape(np: Any, given: Any, data: Array, shape: Array) -> Any:
    return data.reshape([data.shape[i] if n == 0 else n for i, n in enumerate(shape.tolist())])


def _concat(np: Any, given: Any, *parts: Array) -> Any:
    return np.concatenate(parts, axis=given.get("axis", 0))


def _cast(np: Any, given: Any, data: Array) -> Any:
    return data.astype(TYPES[given["to"]])


def _divide(np: Any, given: Any, a: Any, b: Any) -> Any:
    whole = a.dtype.kind in "iu" and b.dtype.kind in "iu"
    return np.trunc(a / b).astype(a.dtype) if whole else a / b


def _range(np: Any, given: Any, start: Any, stop: Any, step: Any) -> Any:
    count = (stop - start) / step
    return np.arange(start, stop, step) if abs(count) <= MOST_VALUES else None


def _filled(np: Any, given: Any, shape: Array) -> Any:
    value = given.get("value")
    held = value.values if isinstance(value, Constant) else None
    fill = np.float32(0) if held is None else held.reshape(-1)[0]
    return np.full(shape.tolist(), fill) if 0 <= np.prod(shape, dtype="f8") <= MOST_VALUES else None


def _expand(np: Any, given: Any, data: Array, shape: Array) -> Any:
    if not 0 <= np.prod(shape, dtype="f8") <= MOST_VALUES:
        return None
    return np.broadcast_to(data, np.broadcast_shapes(data.shape, tuple(shape.tolist())))


def _reduce_prod(np: Any, given: Any, data: Array, axes: Any = None) -> Any:
    return np.prod(data, axis=_axes(given, axes), keepdims=bool(given.get("keepdims", 1)))


def _plain(name: str) -> Callable[..., Any]:
    return lambda np, given, *operands: getattr(np, name)(*operands)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Gather": _gather,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Concat": _concat,
    "Cast": _cast,
    "Div": _divide,
    "Range": _range,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "ReduceProd": _reduce_prod,
    "Add": _plain("add"),
    "Sub": _plain("subtract"),
    "Mul": _plain("multiply"),
    "Mod": _plain("mod"),
    "Neg": _plain("negative"),
    "Abs": _plain("abs"),
    "Min": lambda np, given, *operands: np.minimum.reduce(np.broadcast_arrays(*operands)),
    "Max": lambda np, given, *operands: np.maximum.reduce(np.broadcast_arrays(*operands)),
    "Floor": _plain("floor"),
    "Ceil": _plain("ceil"),
    "Sqrt": _plain("sqrt"),
    "Equal": _plain("equal"),
    "Greater": _plain("greater"),
    "Less": _plain("less"),
    "Not": _plain("logical_not"),
    "And": _plain("logical_and"),
    "Or": _plain("logical_or"),
    "Where": _plain("where"),
}
"""By operator: (numpy, attributes, operands) -> the result."""
