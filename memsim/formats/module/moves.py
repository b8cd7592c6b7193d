"""How PyTorch runs operators that move elements, and those that choose some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsim.errors import InputError
from memsim.formats.module.layers import LAYERS, Operands
from memsim.network import Layer

if TYPE_CHECKING:
    from memsim.formats.module.draft import Draft


def _steps(draft: Draft, layer: Layer, operands: Operands) -> Any:
    """The steps of an arrangement, one by one, and a copy of what they show."""
    (output,) = operands
    torch = draft.torch
    for what, *told in layer.op.arrangement(layer.shapes) or ():
        if what == "permuted":
            order = (0, *(1 + axis for axis in told[0]))
            output = draft.call(layer, torch.permute, output, order)
        elif what == "reshaped":
            output = draft.call(layer, torch.reshape, output, (-1, *told[0]))
        else:
            output = draft.method(layer, "expand", output, -1, *told[0])
    return draft.call(layer, torch.clone, output) if layer.op.copied else output


LAYERS.add("tile", _steps)


@LAYERS.register("expand")
def _expand(draft: Draft, layer: Layer, operands: Operands) -> Any:
    (output,) = operands
    shape, source = layer.output.image, layer.shapes[0]
    if len(source) < len(shape):
        more = (1,) * (len(shape) - len(source))
        output = draft.call(layer, draft.torch.reshape, output, (-1, *more, *source))
    return draft.method(layer, "expand", output, -1, *shape)


@LAYERS.register("channel_shuffle")
def _channel_shuffle(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    return draft.module(layer, draft.torch.nn.ChannelShuffle(op.groups), *operands)


@LAYERS.register("pixel_shuffle")
def _pixel_shuffle(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    if op.depth == "outer":
        return _steps(draft, layer, operands)
    return draft.module(layer, draft.torch.nn.PixelShuffle(op.factor), *operands)


@LAYERS.register("pixel_unshuffle")
def _pixel_unshuffle(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    if op.depth == "outer":
        return _steps(draft, layer, operands)
    return draft.module(layer, draft.torch.nn.PixelUnshuffle(op.factor), *operands)


@LAYERS.register("pad")
def _pad(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    torch = draft.torch
    rank = len(layer.shapes[0])
    if op.mode == "constant":
        pairs = [op.pads[axis + end] for axis in reversed(range(rank)) for end in (0, rank)]
        pad = torch.nn.functional.pad
        return draft.call(layer, pad, *operands, tuple(pairs), "constant", op.value)
    # PyTorch's other modes know the last axes alone: places are taken by their numbers instead.
    (output,) = operands
    for axis, size in enumerate(layer.shapes[0]):
        before, after = op.pads[axis], op.pads[axis + rank]
        if before or after:
            places = [op.place(place, size) for place in range(-before, size + after)]
            output = _taken(draft, layer, output, axis, places)
    return output


def _taken(draft: Draft, layer: Layer, source: Any, axis: int, places: list[int]) -> Any:
    import operator

    return draft.call(layer, operator.getitem, source, (*(slice(None),) * (1 + axis), places))


@LAYERS.register("roll")
def _roll(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    return draft.call(layer, draft.torch.roll, *operands, op.shift, 1 + op.along(layer.shapes))


@LAYERS.register("flip")
def _flip(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    return draft.call(layer, draft.torch.flip, *operands, (1 + op.along(layer.shapes),))


@LAYERS.register("gather")
def _gather(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    if op.places is None:
        message = "takes places that are no numbers of the network: it cannot be built in PyTorch"
        raise InputError(layer.node.problem(message))
    return _taken(draft, layer, operands[0], op.along(layer.shapes), list(op.places))


@LAYERS.register("embedding")
def _embedding(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    module = draft.torch.nn.Embedding(op.rows, op.features)
    (places,) = operands
    shape = (-1, *layer.output.image[:-1])
    whole = draft.method(layer, "long", draft.call(layer, draft.torch.reshape, places, shape))
    return draft.module(layer, module, whole)


@LAYERS.register("windows")
def _windows(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    axis = 1 + op.along(layer.shapes)
    seen = draft.method(layer, "unfold", *operands, axis, op.size, op.step)
    return draft.call(layer, draft.torch.clone, seen)


@LAYERS.register("im2col")
def _im2col(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    module = draft.torch.nn.Unfold(op.kernel, op.dilation, op.padding, op.stride)
    return draft.module(layer, module, *operands)


@LAYERS.register("col2im")
def _col2im(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    module = draft.torch.nn.Fold(op.size, op.kernel, op.dilation, op.padding, op.stride)
    return draft.module(layer, module, *operands)


@LAYERS.register("grid_sample")
def _grid_sample(draft: Draft, layer: Layer, operands: Operands) -> Any:
    op: Any = layer.op
    if len(operands) < 2:
        return _not_built(draft, layer, operands)
    sample = draft.torch.nn.functional.grid_sample
    return draft.call(layer, sample, *operands, op.mode, op.border, op.corners)


def _not_built(draft: Draft, layer: Layer, operands: Operands) -> Any:
    message = f"does {layer.op.kind} at places that the network does not hold"
    raise InputError(layer.node.problem(f"{message}; it cannot be built in PyTorch"))


for _kind in ("gather_elements", "scatter", "roi_align", "chosen", "deform_conv"):
    LAYERS.add(_kind, _not_built)
