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
from memsim.network.ops.base import ShapeError, sides
from memsim.network.ops.conv import Conv, ConvTranspose
from memsim.network.ops.pool import AvgPool, MaxPool
from memsim.network.ops.window import window_size

__all__ = ["convolution", "cut", "pool", "reduce", "short", "transposed"]

Two = tuple[int, int]


def short(pads: Pads) -> int | Two | Pads:
    """Padding as briefly as it can be written.

    Examples
    --------
    >>> short((1, 1, 1, 1)), short((0, 3, 0, 3)), short((0, 0, 1, 1))
    (1, (0, 3), (0, 0, 1, 1))
    """
    top, left, bottom, right = pads
    if (top, left) != (bottom, right):
        return pads
    return top if top == left else (top, left)


def convolution(
    importer: Importer,
    record: Record,
    *,
    out: int,
    kernel: Two,
    stride: Two,
    pads: Pads,
    dilation: Two,
    groups: int,
    bias: bool,
) -> None:
    """Add a convolution of the record's first input, which may have padding to give."""
    layer, more = importer.padded(record.inputs[0], 0.0)
    total = tuple(a + b for a, b in zip(pads, more, strict=True))
    if min(total) < 0:
        layer, total = importer.layer(record.inputs[0]), pads
    plain = Conv(
        out=out, kernel=kernel, stride=stride, dilation=dilation, groups=groups, bias=bias
    )  # fmt: skip
    if plain.pads() != total:
        plain = Conv(**{**_attributes(plain), "padding": short(sides(total))})
    importer.emit(record, plain, layer)


def transposed(
    importer: Importer,
    record: Record,
    *,
    out: int,
    kernel: Two,
    stride: Two,
    pads: Pads,
    output_padding: Two,
    dilation: Two,
    groups: int,
    bias: bool,
) -> None:
    """Add a transposed convolution of the record's first input."""
    op = ConvTranspose(
        out=out,
        kernel=kernel,
        stride=stride,
        padding=short(pads),
        output_padding=output_padding[0] if len({*output_padding}) == 1 else output_padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
    )
    importer.emit(record, op, importer.layer(record.inputs[0]))


def cut(importer: Importer, record: Record, pads: Pads) -> bool:
    """Whether padding (or a cut) after a transposed convolution could become part of it."""
    name = record.inputs[0]
    value = importer.source(name)
    node = importer.nodes[value.layer]
    op = node.op
    if not isinstance(op, ConvTranspose) or not importer.only_reader(name) or value.pads != NO_PADS:
        return False
    top, left, bottom, right = (a - b for a, b in zip(sides(op.padding), pads, strict=True))
    if top < 0 or left < 0:
        return False
    extra: Any = op.output_padding
    down, across = (extra, extra) if isinstance(extra, int) else extra
    down, across = down + max(-bottom, 0), across + max(-right, 0)
    padding = short((top, left, max(bottom, 0), max(right, 0)))
    extra = down if down == across else (down, across)
    changed = ConvTranspose(**{**_attributes(op), "padding": padding, "output_padding": extra})
    importer.swap(value.layer, changed)
    importer.alias(record)
    image = importer.images[value.layer]
    importer.values[record.outputs[0]] = type(value)(value.layer, (importer.batch, *image))
    return True


def pool(
    importer: Importer,
    record: Record,
    kind: type[MaxPool] | type[AvgPool],
    *,
    kernel: Two,
    stride: Two,
    pads: Pads,
    ceil_mode: bool,
) -> None:
    """Add a pool of the record's first input, which may have padding to give."""
    # What lies around a map does not matter to a maximum where it is -inf, and not to the
    # geometry, which is all that counts here, where it is 0.
    layer, more = importer.padded(record.inputs[0], 0.0, float("-inf"))
    source = importer.images[layer]
    padded = (source[0], source[1] + more[0] + more[2], source[2] + more[1] + more[3])
    wanted = window_size(padded, kernel, stride, pads, ceil_mode=ceil_mode)
    top, left, bottom, right = total = sides(tuple(a + b for a, b in zip(pads, more, strict=True)))
    # A graph may pad further than a pool of its own would: then the last window begins inside,
    # and rounding up reaches as far.
    inside = (top, left, min(bottom, kernel[0] // 2), min(right, kernel[1] // 2))
    for candidate, rounding in ((total, ceil_mode), (total, not ceil_mode), (inside, True)):
        options: dict[str, Any] = {} if stride == kernel else {"stride": stride}
        if rounding:
            options["ceil_mode"] = True
        try:
            op = kind(kernel=kernel, padding=short(candidate), **options)
            if op.output_shape((source,))[1:] == wanted:
                importer.emit(record, op, layer)
                return
        except (ShapeError, ValidationError):
            continue
    if more == NO_PADS:
        raise Unsupported
    importer.layer(record.inputs[0])  # the padding becomes a layer
    pool(
        importer, record, kind, kernel=kernel, stride=stride, pads=pads, ceil_mode=ceil_mode
    )  # fmt: skip


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
