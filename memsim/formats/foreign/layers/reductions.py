"""Reductions of foreign graphs over any axes, from plain numbers.

A reader translates its framework's arguments; what they mean is said here, once for all readers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from memsim.formats.foreign.importer import Importer
from memsim.formats.foreign.layers.windows import reduce
from memsim.formats.foreign.records import Dims, Record, Unsupported
from memsim.network.ops.norm import Normalize, Reduce

__all__ = ["normalize", "reduction"]

POOLS = {"mean": "global_avgpool", "max": "global_maxpool"}
"""What a reduction over a whole map is called."""


def reduction(
    importer: Importer,
    record: Record,
    function: str,
    axes: Iterable[int],
    *,
    kept: bool,
    output: int = 0,
    **options: Any,
) -> None:
    """Add a reduction of the first input; one over a whole map of an image is a global pool.

    Parameters
    ----------
    function : str
        As the operator ``reduce`` names it.
    axes : iterable of int
        Those that are reduced; below 0 they count from the end.
    kept : bool
        Whether the reduced axes stay, of size 1.
    output : int, optional
        Which of the record's outputs it is.
    """
    name = record.inputs[0]
    shape = importer.source(name).shape
    gone = {axis % len(shape) for axis in axes} if shape else set()
    whole = len(shape) > 2 and gone == {*range(2, len(shape))}
    pooled = whole and function in POOLS and not output
    if pooled and not _of_tokens(importer, name, shape):
        reduce(importer, record, gone, kind=POOLS[function], kept=kept)
        return
    numbers = _along(importer, shape, gone)
    layer = importer.layer(name)
    left = tuple(
        1 if axis in gone else size for axis, size in enumerate(shape) if kept or axis not in gone
    )
    about: dict[str, Any] = {"function": function, "axes": numbers, **options}
    op = Reduce(**about)
    image = importer.images[layer]
    # Where the channels are reduced they stay, of size 1, and are left out by a view: which rows
    # are read is exact then.
    if not kept and image.channel not in numbers:
        shorter = Reduce(**about, keep=False)
        if shorter.output_shape((image,)) == importer.image(left):
            op = shorter
    importer.emit(record, op, layer, shape=left, output=output)


def _of_tokens(importer: Importer, name: str, shape: Dims) -> bool:
    """Whether two axes of an image are tokens and channels."""
    value = importer.source(name)
    return len(shape) == 3 and len(importer.images[value.layer]) == 2


def _along(importer: Importer, shape: Dims, axes: Iterable[int]) -> tuple[int, ...]:
    """The axes of an image; that of a batch of 1 has nothing to reduce."""
    batched = shape[:1] == (importer.batch,)
    if 0 in axes and importer.batch > 1:
        raise Unsupported
    return tuple(sorted(importer.axis(shape, axis) for axis in axes if axis or not batched))


def normalize(importer: Importer, record: Record, axes: Iterable[int], by: str) -> None:
    """Add a division of the first input by what is computed over axes, counted from the front."""
    shape = importer.source(record.inputs[0]).shape
    about: dict[str, Any] = {"axes": _along(importer, shape, {*axes}), "by": by}
    layer = importer.layer(record.inputs[0])
    importer.emit(record, Normalize(**about), layer, shape=shape)
