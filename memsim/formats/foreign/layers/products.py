"""Products of matrices in foreign graphs, from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.records import Dims, Record, Unsupported, View
from memsim.network.ops import Operator
from memsim.network.ops.arrange import Permute
from memsim.network.ops.axes import broadcast
from memsim.network.ops.linear import Attention, Linear, MatMul
from memsim.network.ops.parametric import Parametric

__all__ = ["attention", "bilinear", "contraction", "dense", "distances", "product"]


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
    if not shape:
        raise Unsupported
    layer = importer.layer(name)
    image = importer.images[layer]
    maps = len(image) == 3 and image.channel == 0 and image[1:] != (1, 1)
    op = Linear(out=out, bias=bias, axis=-1 if maps else None)
    importer.emit(record, op, layer, shape=(*shape[:-1], out), parameters=parameters)


def product(importer: Importer, record: Record, left: str, right: str) -> None:
    """Add the product of two values over the last axis of one and the last but one of the other.

    A vector is a row on the left and a column on the right, and its axis is gone afterwards.
    """
    names = left, right
    if all(name in importer.constants for name in names):
        raise Unsupported  # a constant
    shapes = [importer.tensor(name, record).shape for name in names]
    if not all(shapes):
        raise Unsupported
    rows = shapes[0] if len(shapes[0]) > 1 else (1, *shapes[0])
    columns = shapes[1] if len(shapes[1]) > 1 else (*shapes[1], 1)
    whole = broadcast("matmul", (rows[:-2], columns[:-2]))
    out = (*whole, rows[-2], columns[-1])
    layers = _aligned(importer, names, (rows, columns), len(out))
    shape = out[:-2] + out[-2:-1] * (len(shapes[0]) > 1) + out[-1:] * (len(shapes[1]) > 1)
    importer.emit(record, MatMul(), *layers, shape=shape or (1,), parameters=())


def attention(importer: Importer, record: Record, names: Sequence[str]) -> None:
    """Add attention of queries, keys and values, and a mask if it is the fourth."""
    if all(name in importer.constants for name in names):
        raise Unsupported  # a constant
    shapes = [importer.tensor(name, record).shape for name in names]
    rank = max(map(len, shapes))
    if min(map(len, shapes[:3])) < 2:
        raise Unsupported
    layers = _aligned(importer, names, shapes, rank)
    query, _, value = shapes[:3]
    shape = (*(1,) * (rank - len(query)), *query[:-1], value[-1])
    importer.emit(record, Attention(), *layers, shape=shape, parameters=())


def _aligned(
    importer: Importer, names: Sequence[str], shapes: Sequence[Dims], rank: int
) -> list[str]:
    """Layers whose images have the axes of values aligned at the last, the batch left out."""
    if importer.batch > 1:
        if any(len(shape) != rank for shape in shapes) or rank < 3:
            raise Unsupported
        return [importer.layer(name) for name in names]
    wholes = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    drop = rank > 2 and all(shape[0] == 1 for shape in wholes)
    return [
        importer.seen(name, shape[1:] if drop else shape)
        for name, shape in zip(names, wholes, strict=True)
    ]


def contraction(
    importer: Importer, record: Record, left: str, right: str, letters: tuple[str, str, str]
) -> None:
    """Add a product of two values in Einstein's notation, such as ``bhid``, ``bhjd``, ``bhij``.

    Axes of both that stay are a batch of products, axes of both that go are summed over.
    """
    if importer.batch > 1 or any(len({*part}) < len(part) for part in letters):
        raise Unsupported
    one, other, out = letters
    shapes = [importer.tensor(name, record).shape for name in (left, right)]
    if [len(shape) for shape in shapes] != [len(one), len(other)]:
        raise Unsupported
    sizes = dict(zip(one, shapes[0], strict=True)) | dict(zip(other, shapes[1], strict=True))
    batch = [letter for letter in out if letter in one and letter in other]
    summed = [letter for letter in one if letter in other and letter not in out]
    rows = [letter for letter in out if letter in one and letter not in other]
    columns = [letter for letter in out if letter in other and letter not in one]
    if {*batch, *summed, *rows} != {*one} or {*batch, *summed, *columns} != {*other}:
        raise Unsupported  # an axis of one operand alone that is summed

    def many(axes: Iterable[str]) -> int:
        return math.prod(sizes[letter] for letter in axes)

    def turned(name: str, axes: str, wanted: list[str], shape: Dims) -> str:
        layer = importer.seen(name, tuple(sizes[letter] for letter in axes))
        order = tuple(axes.index(letter) for letter in wanted)
        if order != tuple(range(len(order))):
            layer = importer.add(
                f"{record.scope or record.target}.permute", _permute(order), (layer,)
            )
        return importer.reshaped(layer, shape)

    first = turned(left, one, [*batch, *rows, *summed], (many(batch), many(rows), many(summed)))
    second = turned(
        right, other, [*batch, *summed, *columns], (many(batch), many(summed), many(columns))
    )
    layer = importer.add(record.scope or record.target, MatMul(), (first, second))
    found = [*batch, *rows, *columns]
    if found != [*out]:
        layer = importer.reshaped(layer, tuple(sizes[letter] for letter in found))
        order = tuple(found.index(letter) for letter in out)
        layer = importer.add(f"{record.scope or record.target}.permute", _permute(order), (layer,))
    importer.values[record.outputs[0]] = View(layer, tuple(sizes[letter] for letter in out))


def distances(importer: Importer, record: Record, left: str, right: str) -> None:
    """Add the distances of each row of one value to each row of the other.

    They are counted as the product of the one with the other turned, of which PyTorch makes them.
    """
    shapes = [importer.tensor(name, record).shape for name in (left, right)]
    axes = "".join(chr(ord("a") + number) for number in range(len(shapes[0]) - 2))
    if len(shapes[0]) != len(shapes[1]) or shapes[0][:-2] != shapes[1][:-2]:
        raise Unsupported
    letters = f"{axes}xz", f"{axes}yz", f"{axes}xy"
    contraction(importer, record, left, right, letters)


def bilinear(
    importer: Importer, record: Record, left: str, right: str, weight: str, bias: str
) -> None:
    """Add ``left W right + bias`` for each output: a product with all weights, then one of rows."""
    weights, shape = importer.constant(weight), importer.source(left).shape
    other = importer.source(right).shape
    if len(weights.shape) != 3 or shape[:-1] != other[:-1]:
        raise Unsupported
    out, _, columns = weights.shape
    rows = math.prod(shape[:-1]) // importer.batch
    scope = record.scope or record.target
    first = importer.seen(left, (rows, shape[-1]))
    wide = importer.add(
        f"{scope}.weights", Linear(out=out * columns, bias=False, axis=-1), (first,)
    )
    importer.own(wide, (weight,))
    each = importer.reshaped(wide, (rows, out, columns))
    second = importer.seen(right, (rows, columns, 1))
    last = importer.add(scope, MatMul(), (each, second))
    if bias:
        last = importer.add(
            f"{scope}.bias", Parametric(function="add", shapes=((out, 1),)), (last,)
        )
        importer.own(last, (bias,))
    importer.values[record.outputs[0]] = View(last, (*shape[:-1], out))


def _permute(order: tuple[int, ...]) -> Operator:
    return Permute(order=order)
