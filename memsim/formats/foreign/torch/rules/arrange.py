"""ATen operators that show, move, join and cut tensors."""

from __future__ import annotations

import sys
from dataclasses import replace

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.moves import (
    along,
    concat,
    crop,
    expand,
    pad,
    permute,
    repeat,
    select,
    split,
    stack,
)
from memsim.formats.foreign.records import Constant, Record, Unsupported
from memsim.formats.foreign.torch.rules.arguments import axis_of, rule
from memsim.network.ops import Operator
from memsim.network.ops.arrange import Flip, Roll
from memsim.network.ops.sampling import Sliding
from memsim.network.ops.shape import ChannelShuffle, PixelShuffle, PixelUnshuffle

VIEWS = (
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view", "contiguous",
    "clone", "alias", "detach", "reshape_as", "view_as", "squeeze_copy", "unsqueeze_copy",
    "view_copy", "_reshape_alias", "ravel",
)  # fmt: skip
"""Operators whose output is their input in another shape."""


COPIES = ("lift_fresh", "lift_fresh_copy", "to", "_to_copy", "type_as", "float", "detach_copy")
"""Operators that at most change the data type or the place of their input."""


@rule(
    "t", "transpose", "permute", "swapaxes", "swapdims", "movedim", "moveaxis", "adjoint", "mT",
    "mH", "matrix_H", "numpy_T", "transpose_copy", "permute_copy", "t_copy",
)  # fmt: skip
def _transpose(importer: Importer, record: Record) -> None:
    name = record.inputs[0]
    constant = importer.constants.get(name)
    shape = importer.source(name).shape if constant is None else constant.shape
    order = [*range(len(shape))]
    if "dims" in record.attributes:
        order = [axis % len(shape) for axis in record.attributes["dims"]]
    elif "destination" in record.attributes:
        places = record.attributes["source"], record.attributes["destination"]
        order = _moved(len(shape), *(each if isinstance(each, list) else [each] for each in places))
    elif record.target == "numpy_T":
        order.reverse()
    elif len(shape) > 1:
        about = record.attributes
        pair = (about.get(f"dim{end}", about.get(f"axis{end}", end - 2)) for end in (0, 1))
        one, other = (axis % len(shape) for axis in pair)
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


@rule(
    "pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d",
    "replication_pad1d", "replication_pad2d", "replication_pad3d", "_pad_circular", "_pad_enum",
)  # fmt: skip
def _pad(importer: Importer, record: Record) -> None:
    rank = len(importer.source(record.inputs[0]).shape)
    attributes = record.attributes
    amounts = list(attributes.get("pad") or attributes.get("padding") or ())
    modes = {"refl": "reflect", "repl": "replicate", "_pad": "circular"}
    mode = attributes.get("mode", modes.get(record.target[:4], "constant"))
    if len(amounts) % 2 or len(amounts) > 2 * rank or isinstance(mode, int):
        raise Unsupported
    amounts += [0] * (2 * rank - len(amounts))
    before, after = amounts[::2][::-1], amounts[1::2][::-1]
    pad(importer, record, before, after, float(attributes.get("value") or 0.0), mode)


@rule("stack")
def _stack(importer: Importer, record: Record) -> None:
    if record.shapes[0] is None:
        raise Unsupported
    rank = len(record.shapes[0])
    stack(importer, record, record.attributes["dim"] % rank)


@rule("hstack", "vstack", "dstack", "column_stack")
def _joined(importer: Importer, record: Record) -> None:
    rank = len(importer.source(record.inputs[0]).shape)
    axis = {"hstack": 1, "vstack": 0, "dstack": 2, "column_stack": 1}[record.target]
    if rank <= axis:
        raise Unsupported
    concat(importer, record, axis)


@rule("expand", "broadcast_to", "expand_as", "expand_copy")
def _expand(importer: Importer, record: Record) -> None:
    if record.shapes[0] is None:
        raise Unsupported
    expand(importer, record, record.shapes[0])


@rule("repeat", "tile")
def _repeat(importer: Importer, record: Record) -> None:
    times = list(record.attributes.get("repeats") or record.attributes["dims"])
    rank = len(importer.source(record.inputs[0]).shape)
    repeat(importer, record, [1] * (rank - len(times)) + times)


@rule("repeat_interleave")
def _repeat_each(importer: Importer, record: Record) -> None:
    count, axis = record.attributes.get("repeats"), record.attributes.get("dim")
    if not isinstance(count, int) or not isinstance(axis, int):
        raise Unsupported
    rank = len(importer.source(record.inputs[0]).shape)
    times = [1] * rank
    times[axis % rank] = count
    repeat(importer, record, times, each=True)


@rule("roll")
def _roll(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    shifts, axes = _listed(record.attributes["shifts"]), _listed(record.attributes.get("dims"))
    if not axes:
        raise Unsupported  # of the flattened tensor
    steps = [(axis % len(shape), {"shift": shift}) for shift, axis in zip(shifts, axes, strict=True)
             if shift % shape[axis]]  # fmt: skip
    if steps:
        along(importer, record, steps, Roll, shape)
    else:
        importer.alias(record)


@rule("flip", "fliplr", "flipud")
def _flip(importer: Importer, record: Record) -> None:
    shape = importer.source(record.inputs[0]).shape
    axes = _listed(record.attributes.get("dims", {"fliplr": 1, "flipud": 0}.get(record.target)))
    steps: list[tuple[int, dict[str, int]]] = [
        (axis % len(shape), {}) for axis in axes if shape[axis] > 1
    ]
    if steps:
        along(importer, record, steps, Flip, shape)
    else:
        importer.alias(record)


def _listed(value: int | list[int] | None) -> list[int]:
    return [value] if isinstance(value, int) else list(value or ())


@rule("unfold")
def _windows(importer: Importer, record: Record) -> None:
    if record.shapes[0] is None:
        raise Unsupported
    axis = axis_of(record, importer, "dimension")
    step = {"size": record.attributes["size"], "step": record.attributes["step"]}
    along(importer, record, [(axis, step)], Sliding, record.shapes[0])


@rule("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle")
def _shuffle(importer: Importer, record: Record) -> None:
    layer, attributes = importer.layer(record.inputs[0]), record.attributes
    op: Operator
    if record.target == "pixel_shuffle":
        op = PixelShuffle(factor=attributes["upscale_factor"])
    elif record.target == "pixel_unshuffle":
        op = PixelUnshuffle(factor=attributes["downscale_factor"])
    else:
        op = ChannelShuffle(groups=attributes["groups"])
    importer.emit(record, op, layer)


@rule(*VIEWS)
def _view(importer: Importer, record: Record) -> None:
    shape = record.shapes[0]
    if shape is None:
        raise Unsupported
    importer.view(record, shape)


@rule(*COPIES)
def _copy(importer: Importer, record: Record) -> None:
    importer.alias(record)


@rule(
    "new_zeros", "new_ones", "new_full", "new_empty", "zeros_like", "ones_like", "full_like",
    "empty_like",
)  # fmt: skip
def _constant(importer: Importer, record: Record) -> None:
    """Of a tensor these take the shape, or the data type, alone."""
    shape = record.shapes[0]
    if shape is None:
        raise Unsupported
    importer.constants[record.outputs[0]] = Constant(shape)


@rule("getitem")
def _getitem(importer: Importer, record: Record) -> None:
    # The outputs of an operator are named <name>, <name>:1, <name>:2 ...
    importer.alias(record)


@rule("_assert_tensor_metadata", "sym_size", "_assert_scalar", "sym_constrain_range_for_size")
def _nothing(importer: Importer, record: Record) -> None:
    """Checks that a graph carries along; they compute nothing."""
