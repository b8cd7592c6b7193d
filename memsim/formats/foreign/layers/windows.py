"""Windows of foreign graphs: convolutions and pools from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.records import NO_PADS, Pads, Record, Unsupported
from memsim.network.ops import OPERATORS
from memsim.network.ops.base import ShapeError, each
from memsim.network.ops.conv import ComputedConv, Conv, ConvTranspose
from memsim.network.ops.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    LpPool,
    MaxPool,
    MaxUnpool,
)
from memsim.network.ops.window import window_size

__all__ = [
    "adaptive",
    "brief",
    "computed",
    "convolution",
    "cut",
    "leading",
    "pool",
    "reduce",
    "short",
    "transposed",
    "unpool",
]

Sizes = tuple[int, ...]
"""One number for each spatial axis."""


def short(pads: Pads) -> Any:
    """Padding as briefly as it can be written.

    Examples
    --------
    >>> short((1, 1, 1, 1)), short((0, 3, 0, 3)), short((0, 0, 1, 1)), short((0, 1)), short((2, 2))
    (1, (0, 3), (0, 0, 1, 1), (0, 1), 2)
    """
    axes = len(pads) // 2
    if len({*pads}) == 1:
        return pads[0]
    return pads[:axes] if pads[:axes] == pads[axes:] and axes > 1 else pads


def brief(sizes: Sizes) -> Any:
    """Numbers for spatial axes as briefly as they can be written."""
    return sizes[0] if len({*sizes}) == 1 else sizes


def leading(importer: Importer, layer: str, axes: int) -> Any:
    """The attribute ``axes`` of a window over a layer: its spatial axes, if it has more."""
    return axes if len(importer.images[layer]) > axes + 1 else None


def convolution(
    importer: Importer,
    record: Record,
    *,
    out: int,
    kernel: Sizes,
    stride: Sizes,
    pads: Pads,
    dilation: Sizes,
    groups: int,
    bias: bool,
) -> None:
    """Add a convolution of the record's first input, which may have padding to give."""
    axes = len(kernel)
    layer, more = importer.padded(record.inputs[0], axes, 0.0)
    total = tuple(a + b for a, b in zip(pads, more, strict=True))
    if min(total) < 0:
        layer, total = importer.layer(record.inputs[0]), pads
    plain = Conv(
        out=out,
        kernel=brief(kernel),
        stride=brief(stride),
        dilation=brief(dilation),
        groups=groups,
        bias=bias,
        axes=leading(importer, layer, axes),
    )
    if plain.around(axes) != total:
        plain = Conv(**{**_attributes(plain), "padding": short(total)})
    importer.emit(record, plain, layer)


def computed(
    importer: Importer,
    record: Record,
    kernels: Sizes,
    *,
    stride: Sizes,
    pads: Pads,
    dilation: Sizes,
    groups: int,
    bias: str,
) -> None:
    """Add a convolution of the first input with kernels that are computed: the second.

    ``kernels`` is their shape, output channels first; ``bias`` is the name of a constant for each,
    if there is one. No axis of theirs holds images, so there is but one.
    """
    if importer.batch != 1:
        raise Unsupported
    axes = len(kernels) - 2
    map_, more = importer.padded(record.inputs[0], axes, 0.0)
    total = tuple(a + b for a, b in zip(pads, more, strict=True))
    if min(total) < 0:
        map_, total = importer.layer(record.inputs[0]), pads
    layers = [map_, importer.seen(record.inputs[1], kernels)]
    stored = bool(bias) and bias in importer.constants
    if bias and not stored:
        layers.append(importer.seen(bias, (kernels[0], 1, 1)))
    about: dict[str, Any] = {"out": kernels[0], "kernel": brief(kernels[2:]), "groups": groups}
    about |= {"stride": brief(stride), "dilation": brief(dilation), "bias": stored}
    op = ComputedConv(padding=short(total), axes=leading(importer, map_, axes), **about)
    importer.emit(record, op, *layers, parameters=[bias] if stored else [])


def transposed(
    importer: Importer,
    record: Record,
    *,
    out: int,
    kernel: Sizes,
    stride: Sizes,
    pads: Pads,
    output_padding: Sizes,
    dilation: Sizes,
    groups: int,
    bias: bool,
) -> None:
    """Add a transposed convolution of the record's first input."""
    layer = importer.layer(record.inputs[0])
    op = ConvTranspose(
        out=out,
        kernel=brief(kernel),
        stride=brief(stride),
        padding=short(pads),
        output_padding=brief(output_padding),
        dilation=brief(dilation),
        groups=groups,
        bias=bias,
        axes=leading(importer, layer, len(kernel)),
    )
    importer.emit(record, op, layer)


def cut(importer: Importer, record: Record, pads: Pads) -> bool:
    """Whether padding (or a cut) after a transposed convolution could become part of it."""
    name = record.inputs[0]
    value = importer.source(name)
    op = importer.nodes[value.layer].op
    if not isinstance(op, ConvTranspose) or not importer.only_reader(name) or value.pads != NO_PADS:
        return False
    axes = len(pads) // 2
    if importer.images[value.layer] != importer.image(value.shape) or op.axes is not None:
        return False
    left = tuple(a - b for a, b in zip(op.around(axes), pads, strict=True))
    if min(left[:axes]) < 0:
        return False
    behind = left[axes:]
    extra = zip(each(op.output_padding, axes), behind, strict=True)
    added = tuple(more + max(-pad, 0) for more, pad in extra)
    padding = short((*left[:axes], *(max(pad, 0) for pad in behind)))
    changed = ConvTranspose(
        **{**_attributes(op), "padding": padding, "output_padding": brief(added)}
    )
    importer.swap(value.layer, changed)
    importer.alias(record)
    image = importer.images[value.layer]
    importer.values[record.outputs[0]] = type(value)(value.layer, (importer.batch, *image))
    return True


Kind = type[MaxPool] | type[AvgPool] | type[LpPool]


def pool(
    importer: Importer,
    record: Record,
    kind: Kind,
    *,
    kernel: Sizes,
    stride: Sizes,
    pads: Pads,
    ceil_mode: bool,
    dilation: Sizes = (),
    output: int = 0,
    **attributes: Any,
) -> None:
    """Add a pool of the record's first input, which may have padding to give."""
    # What lies around a map does not matter to a maximum where it is -inf, and not to the
    # geometry, which is all that counts here, where it is 0.
    axes = len(kernel)
    dilation = dilation or (1,) * axes
    fills = (0.0,) if attributes.get("include_pad") is False else (0.0, float("-inf"))
    layer, more = importer.padded(record.inputs[0], axes, *fills)
    if attributes.get("include_pad") is False and any(more):
        layer, more = importer.layer(record.inputs[0]), (0,) * (2 * axes)
    image = importer.images[layer]
    source = image[len(image) - axes - 1 :]
    sizes = (size + more[at] + more[at + axes] for at, size in enumerate(source[1:]))
    wanted = window_size((source[0], *sizes), kernel, stride, pads, dilation, ceil_mode=ceil_mode)
    total = tuple(a + b for a, b in zip(pads, more, strict=True))
    # A graph may pad further than a pool of its own would: then the last window begins inside,
    # and rounding up reaches as far.
    inside = (
        *total[:axes],
        *(min(pad, size // 2) for pad, size in zip(total[axes:], kernel, strict=True)),
    )
    options: dict[str, Any] = {} if stride == kernel else {"stride": brief(stride)}
    if any(step > 1 for step in dilation):
        options["dilation"] = brief(dilation)
    if not any(total):
        attributes.pop("include_pad", None)
    for candidate, rounding in ((total, ceil_mode), (total, not ceil_mode), (inside, True)):
        if rounding:
            options["ceil_mode"] = True
        else:
            options.pop("ceil_mode", None)
        try:
            op = kind(
                kernel=brief(kernel),
                padding=short(candidate),
                axes=leading(importer, layer, axes),
                **options,
                **attributes,
            )
            if op.output_shape((image,))[-axes:] == wanted:
                importer.emit(record, op, layer, output=output)
                return
        except (ShapeError, ValidationError):
            continue
    if not any(more):
        raise Unsupported
    importer.layer(record.inputs[0])  # the padding becomes a layer
    pool(
        importer, record, kind, kernel=kernel, stride=stride, pads=pads, ceil_mode=ceil_mode,
        dilation=dilation, output=output, **attributes,
    )  # fmt: skip


def unpool(importer: Importer, record: Record, size: Iterable[int]) -> None:
    """Add what puts the maxima of the first input back to where the second says they lay."""
    importer.tensor(record.inputs[1], record)
    values = [importer.layer(name) for name in record.inputs[:2]]
    importer.emit(record, MaxUnpool(size=brief(tuple(size))), *values)


def adaptive(importer: Importer, record: Record, size: Sizes, *, maximum: bool) -> None:
    """Add a pool of the first input to a map of a size."""
    if len(importer.source(record.inputs[0]).shape) != len(size) + 2:
        raise Unsupported
    layer = importer.layer(record.inputs[0])
    lead = leading(importer, layer, len(size))
    if {*size} == {1} and lead is None:
        op = OPERATORS["global_maxpool" if maximum else "global_avgpool"]()
    else:
        op = (AdaptiveMaxPool if maximum else AdaptiveAvgPool)(size=brief(size), axes=lead)
    importer.emit(record, op, layer)


def reduce(
    importer: Importer, record: Record, axes: Iterable[int], *, kind: str, kept: bool
) -> None:
    """Add a reduction of the first input over its whole map, which is a global pool.

    Parameters
    ----------
    axes : iterable of int
        Those that are reduced; below 0 they count from the end.
    kind : str
        ``global_avgpool`` or ``global_maxpool``.
    kept : bool
        Whether the reduced axes stay, of size 1.
    """
    name = record.inputs[0]
    value = importer.source(name)
    rank = len(value.shape)
    if rank < 3 or {axis % rank for axis in axes} != {*range(2, rank)}:
        raise Unsupported
    # A map that is seen with other axes has the same mean, as long as its channels are those.
    plain = value.pads == NO_PADS and importer.images[value.layer][0] == value.shape[1]
    layer = value.layer if plain and rank != 4 else importer.layer(name)
    shape = (*value.shape[:2], *(1,) * (rank - 2 if kept else 0))
    importer.emit(record, OPERATORS[kind](), layer, shape=shape)


def _attributes(op: Any) -> dict[str, Any]:
    """An operator's attributes that were given or differ from their defaults."""
    attributes: dict[str, Any] = op.model_dump(exclude_defaults=True)
    return attributes
