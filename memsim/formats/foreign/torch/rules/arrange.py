"""ATen operators that show, move, join and cut tensors."""

from __future__ import annotations

import sys
from dataclasses import replace

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.moves import concat, crop, pad, permute, select, split
from memsim.formats.foreign.records import Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import axis_of, rule

VIEWS = (
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view", "contiguous",
    "clone", "alias", "detach",
)  # fmt: skip
"""Operators whose output is their input in another shape."""


COPIES = ("lift_fresh", "lift_fresh_copy", "to", "_to_copy", "type_as", "float", "detach_copy")
"""Operators that at most change the data type or the place of their input."""


@rule("t", "transpose", "permute", "swapaxes", "movedim", "adjoint", "mT", "numpy_T")
def _transpose(importer: Importer, record: Record) -> None:
    name = record.inputs[0]
    constant = importer.constants.get(name)
    shape = importer.source(name).shape if constant is None else constant.shape
    order = [*range(len(shape))]
    if record.target == "permute":
        order = [axis % len(shape) for axis in record.attributes["dims"]]
    elif record.target == "movedim":
        places = record.attributes["source"], record.attributes["destination"]
        order = _moved(len(shape), *(each if isinstance(each, list) else [each] for each in places))
    elif len(shape) > 1:
        pair_ = record.attributes.get("dim0", -2), record.attributes.get("dim1", -1)
        one, other = (axis % len(shape) for axis in pair_)
        order[one], order[other] = order[other], order[one]
    if constant is None:
        permute(importer, record, order)
        return
    moved = tuple(shape[axis] for axis in order)
    importer.constants[record.outputs[0]] = replace(constant, shape=moved, values=None)


def _moved(rank: int, sources: list[int], places: list[int]) -> list[int]:
    """The order of axes after some are moved to other places."""
    moved = [axis % rank for axis in sources]
    order = [axis for axis in range(rank) if axis not in moved]
    for place, axis in sorted(zip((each % rank for each in places), moved, strict=True)):
        order.insert(place, axis)
    return order


@rule("select")
def _select(importer: Importer, record: Record) -> None:
    axis = axis_of(record, importer)
    size = importer.source(record.inputs[0]).shape[axis]
    select(importer, record, axis, record.attributes["index"] % size)


@rule("unbind")
def _unbind(importer: Importer, record: Record) -> None:
    axis = axis_of(record, importer)
    for number, name in enumerate(record.outputs):
        if name and importer.readers[name]:
            select(importer, record, axis, number, number)


@rule("cat", "concat")
def _concat(importer: Importer, record: Record) -> None:
    concat(importer, record, axis_of(record, importer))


@rule("split", "split_with_sizes", "chunk", "unsafe_split", "unsafe_chunk", "tensor_split")
def _split(importer: Importer, record: Record) -> None:
    axis = axis_of(record, importer)
    if not record.shapes or None in record.shapes:
        raise Unsupported
    split(importer, record, axis, [shape[axis] for shape in record.shapes if shape])


@rule("slice")
def _slice(importer: Importer, record: Record) -> None:
    axis = axis_of(record, importer)
    start, stop = record.attributes.get("start"), record.attributes.get("end")
    start = 0 if start is None else start
    stop = sys.maxsize if stop is None else stop
    crop(importer, record, [(axis, start, stop, record.attributes.get("step", 1))])


@rule("narrow")
def _narrow(importer: Importer, record: Record) -> None:
    axis = axis_of(record, importer)
    start = record.attributes["start"] % importer.source(record.inputs[0]).shape[axis]
    crop(importer, record, [(axis, start, start + record.attributes["length"], 1)])


@rule("pad", "constant_pad_nd")
def _pad(importer: Importer, record: Record) -> None:
    rank = len(importer.source(record.inputs[0]).shape)
    amounts = list(record.attributes["pad"])
    if record.attributes.get("mode", "constant") != "constant" or rank != 4:
        raise Unsupported
    if len(amounts) > 4 and any(amounts[4:]):
        raise Unsupported
    left, right, top, bottom = (*amounts, 0, 0, 0, 0)[:4]
    fill = float(record.attributes.get("value") or 0.0)
    pad(importer, record, (top, left, bottom, right), fill)


@rule(*VIEWS)
def _view(importer: Importer, record: Record) -> None:
    shape = record.shapes[0]
    if shape is None:
        raise Unsupported
    importer.view(record, shape)


@rule(*COPIES)
def _copy(importer: Importer, record: Record) -> None:
    importer.alias(record)


@rule("getitem")
def _getitem(importer: Importer, record: Record) -> None:
    # The outputs of an operator are named <name>, <name>:1, <name>:2 ...
    importer.alias(record)


@rule("_assert_tensor_metadata", "sym_size", "_assert_scalar", "sym_constrain_range_for_size")
def _nothing(importer: Importer, record: Record) -> None:
    """Checks that a graph carries along; they compute nothing."""
