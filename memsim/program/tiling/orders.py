"""The order of a kernel's tasks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import InputError, Problem, did_you_mean
from memsim.program.kernel import Kernel
from memsim.registry import Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

Order = Callable[[int, int, int], tuple["Index", "Index", "Index"]]

ORDERS: Registry[Order] = Registry("task order")
"""Orders of a kernel's tasks: (groups, strips, blocks) -> group, strip, block of each task."""


@ORDERS.register("rows_outer")
def rows_outer(groups: int, strips: int, blocks: int) -> tuple[Index, Index, Index]:
    """Image, strip, channel block: weights are read again for every strip.

    Examples
    --------
    >>> [list(map(int, axis)) for axis in rows_outer(1, 2, 2)]
    [[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1]]
    """
    group, strip, block = np.unravel_index(
        np.arange(groups * strips * blocks), (groups, strips, blocks)
    )
    return group, strip, block


@ORDERS.register("weights_outer")
def weights_outer(groups: int, strips: int, blocks: int) -> tuple[Index, Index, Index]:
    """Image, channel block, strip: inputs are read again for every channel block."""
    group, block, strip = rows_outer(groups, blocks, strips)
    return group, strip, block


@ORDERS.register("images_inner")
def images_inner(groups: int, strips: int, blocks: int) -> tuple[Index, Index, Index]:
    """Channel block, image, strip: a block's weights serve the whole batch.

    With one image it is ``weights_outer``.

    Examples
    --------
    >>> [list(map(int, axis)) for axis in images_inner(2, 1, 2)]
    [[0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 1]]
    """
    block, group, strip = rows_outer(blocks, groups, strips)
    return group, strip, block


def orders_of(batch: int) -> tuple[str, ...]:
    """The orders that differ for so many images; of those that do not, the first.

    Examples
    --------
    >>> orders_of(1), orders_of(8)
    (('rows_outer', 'weights_outer'), ('rows_outer', 'weights_outer', 'images_inner'))
    """
    found: dict[bytes, str] = {}
    for name, order in ORDERS.items():
        listed = order(min(batch, 3), 3, 3)
        found.setdefault(np.stack(listed).tobytes(), name)
    return tuple(found.values())


LARGER_OUTER = "larger_outer"
"""Not an order but a choice of one, kernel by kernel: see :func:`order_of`."""


def check_order(name: str) -> None:
    """Refuse what is neither a key of :data:`ORDERS` nor :data:`LARGER_OUTER`.

    Raises
    ------
    InputError
        With a did-you-mean.
    """
    if name not in ORDERS and name != LARGER_OUTER:
        hint = did_you_mean(str(name), [*ORDERS, LARGER_OUTER])
        raise InputError(Problem(f"unknown task order {str(name)!r}", hint=hint))


def order_of(name: str, kernel: Kernel) -> str:
    """The order of a kernel's tasks, a key of :data:`ORDERS`.

    ``larger_outer`` takes what is larger of a kernel, its weights or its inputs of one image, into
    the outer loop, where it is read once, and the smaller one into the inner loop, where it is the
    first to stay in a cache: ``images_inner`` or ``rows_outer``. oneDNN's convolutions choose in
    the same way (3.12, src/cpu/x64/jit_brgemm_conv_utils.cpp, ``init_conf``: ``loop_order``).

    Examples
    --------
    >>> import memsim
    >>> from memsim.program.lowering import LOWERINGS
    >>> first, *_, last = LOWERINGS["fused"].lower(memsim.load("resnet18"))
    >>> order_of("larger_outer", first), order_of("larger_outer", last)
    ('rows_outer', 'images_inner')
    """
    if name != LARGER_OUTER:
        return name
    weights = kernel.filters * kernel.output.grid[1]
    inputs = sum(math.prod(operand.view.shape) for operand in kernel.operands[: kernel.own])
    return "images_inner" if weights > inputs else "rows_outer"
