"""The inputs of an ONNX graph, with the sizes that the file leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from memsim.errors import InputError, Problem
from memsim.formats.foreign.onnx.text import text
from memsim.formats.foreign.records import Dims
from memsim.network.inputs import Given, Size, assign, told
from memsim.yaml.document import shown

__all__ = ["GraphInput", "example", "graph_inputs", "settled"]

Axis = int | str
"""A number; or where a file leaves it open its name, which may be empty."""

USUAL: Mapping[int, Sequence[int]] = {
    1: (128,),
    2: (128, 128),
    3: (3, 224, 224),
    4: (3, 16, 112, 112),
}
"""Axes behind the batch as inputs often have them, by their number: for hints alone."""

SAMPLES = 16000
"""A second of speech, at 16 kHz."""


class GraphInput(NamedTuple):
    """An input as the file has it.

    Attributes
    ----------
    name : str
    axes : tuple of Axis or None
        The first is the batch; None where the file does not say how many there are.
    """

    name: str
    axes: tuple[Axis, ...] | None

    @property
    def written(self) -> str:
        """Its axes for a message."""
        if self.axes is None:
            return "unknown"
        return " x ".join(str(axis) or "?" for axis in self.axes) or "of a number"


def graph_inputs(values: Iterable[Any]) -> list[GraphInput]:
    """The inputs among the values of a graph."""
    found = []
    for value in values:
        kind = value.type.tensor_type
        axes = tuple(dim.dim_value if dim.dim_value > 0 or _stated_empty(dim)
                     else text(dim.dim_param) for dim in kind.shape.dim)  # fmt: skip
        found.append(GraphInput(text(value.name), axes if kind.HasField("shape") else None))
    return found


def _stated_empty(dim: Any) -> bool:
    """Whether a file says that an axis has no place, which is another thing than not to say it."""
    return bool(dim.HasField("dim_value")) and dim.dim_value == 0


def settled(inputs: Sequence[GraphInput], given: Given | None, file: str) -> list[tuple[str, Dims]]:
    """Every input's shape: the caller's, the file's, and 1 for a batch that is open.

    An axis of a name has one size wherever the name stands. A size of as many axes as the input
    has includes the batch; one of an axis less does not.

    Raises
    ------
    InputError
        For a size that fits no input, and an axis that stays open.

    Examples
    --------
    >>> image = GraphInput("image", ("N", 3, "h", "w"))
    >>> mask = GraphInput("mask", ("N", 1, "h", "w"))
    >>> settled([image, mask], {"image": "3x32x48"}, "a.onnx")
    [('image', (1, 3, 32, 48)), ('mask', (1, 1, 32, 48))]
    >>> settled([GraphInput("sound", ("N", 1, "t"))], None, "a.onnx")
    Traceback (most recent call last):
    memsim.errors.InputError: a.onnx: input 'sound': has the shape N x 1 x t (give --input, such \
as --input 1x16000)
    """
    names = [each.name for each in inputs]
    sizes = {} if given is None else assign(given, dict.fromkeys(names), file)
    known: dict[str, int] = {}
    resolved: list[tuple[str, list[Axis]]] = []
    for each in inputs:
        size = sizes.get(each.name)
        axes = list(each.axes or ()) if size is None else _resized(each, size, file, len(inputs))
        for axis, now in zip(each.axes or (), axes, strict=False):
            if isinstance(axis, str) and axis and isinstance(now, int):
                known.setdefault(axis, now)
        resolved.append((each.name, axes))
    shapes: list[tuple[str, Dims]] = []
    batch = 1
    for each, (name, axes) in zip(inputs, resolved, strict=True):
        final = [known.get(axis, axis) if isinstance(axis, str) else axis for axis in axes]
        if final and isinstance(final[0], str):
            known.setdefault(final[0], batch)
            final[0] = batch
        final = [known.get(axis, axis) if isinstance(axis, str) else axis for axis in final]
        dims = tuple(axis for axis in final if isinstance(axis, int))
        if len(dims) < len(final) or (each.axes is None and name not in sizes):
            hint = f"give --input, such as --input {example(each, len(inputs))}"
            message = f"has the shape {shown(each.written)[1:-1]}"
            raise InputError(Problem(message, f"input {shown(name)}", hint, file))
        if 0 in dims:
            hint = f"give --input, such as --input {example(each, len(inputs))}"
            message = f"has the shape {told(dims)}, of no elements"
            raise InputError(Problem(message, f"input {shown(name)}", hint, file))
        if not shapes and dims:
            batch = dims[0]
        shapes.append((name, dims))
    return shapes


def _resized(value: GraphInput, size: Size, file: str, count: int) -> list[Axis]:
    if value.axes is None:
        return ["", *size.axes]
    if len(size.axes) == len(value.axes):
        return list(size.axes)
    if len(size.axes) == len(value.axes) - 1:
        return [value.axes[0], *size.axes]
    has = f"has {len(value.axes)} axes, {value.written}" if value.axes else "is a single number"
    message = f"{has}; {told(size.axes)} has {len(size.axes)}"
    hint = f"without the batch, such as --input {example(value, count)}" if value.axes else ""
    raise InputError(Problem(message, f"input {shown(value.name)}", hint, file))


def example(value: GraphInput, count: int = 1) -> str:
    """What ``--input`` might say of an input, for a hint.

    >>> example(GraphInput("x", ("N", 3, "h", "w"))), example(GraphInput("ids", ("N", "t")), 2)
    ('3x224x224', 'ids=128')
    """
    axes = (value.axes or ("N", 3, "", ""))[1:]
    usual = USUAL.get(len(axes), (8,) * len(axes))
    if len(axes) == 2 and axes[0] in (1, 2):
        usual = (1, SAMPLES)
    filled = told(
        axis if isinstance(axis, int) and axis else other
        for axis, other in zip(axes, usual, strict=True)
    )
    return filled if count == 1 else f"{value.name}={filled}"
