"""Products of matrices in foreign graphs, from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""

from __future__ import annotations

from collections.abc import Iterable

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.records import Record, Unsupported
from memsim.network.ops.base import broadcast
from memsim.network.ops.linear import Linear, MatMul

__all__ = ["dense", "product"]


def dense(
    importer: Importer,
    record: Record,
    name: str,
    out: int,
    *,
    bias: bool,
    parameters: Iterable[str] | None = None,
) -> None:
    """Add a product with a weight over a value's last axis; ``parameters`` as for ``emit``."""
    shape = importer.source(name).shape
    if len(shape) < 2:
        raise Unsupported
    layer = importer.layer(name)
    image = importer.images[layer]
    maps = len(image) == 3 and image.channel == 0 and image[1:] != (1, 1)
    op = Linear(out=out, bias=bias, axis=-1 if maps else None)
    importer.emit(record, op, layer, shape=(*shape[:-1], out), parameters=parameters)


def product(importer: Importer, record: Record, left: str, right: str) -> None:
    """Add the product of two values over the last axis of one and the last but one of the other."""
    shapes = importer.source(left).shape, importer.source(right).shape
    rank = max(map(len, shapes))
    if min(map(len, shapes)) < 2:
        raise Unsupported
    layers = []
    for name, shape in zip((left, right), shapes, strict=True):
        whole = (1,) * (rank - len(shape)) + shape
        if importer.batch == 1:
            image = whole[1:] if whole[0] == 1 and rank > 2 else whole
            layers.append(importer.seen(name, image))
        elif rank > 2:
            layers.append(importer.layer(name))
        else:
            raise Unsupported
    batch = broadcast("matmul", (shapes[0][:-2], shapes[1][:-2])) if rank > 2 else ()
    shape = (*batch, shapes[0][-2], shapes[1][-1])
    importer.emit(record, MatMul(), *layers, shape=shape)
