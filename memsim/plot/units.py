"""Units: the steps of a network that a figure of its connections draws, and their links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.network.graph import Network
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def links(network: Network) -> tuple[int, list[tuple[int, int]]]:
    """The links between a network's convolutions.

    Unit 0 is the network's input, units 1, 2, ... are its convolutions in order, and the last
    unit is what leaves. Whatever stands between two units is passed through.

    Returns
    -------
    (int, list of (int, int))
        The number of units; which unit reads which, as (source, reader), in order.

    Examples
    --------
    >>> import memsim
    >>> count, found = links(memsim.load("patterns/harmonic"))
    >>> count, [source for source, reader in found if reader == 8]
    (18, [0, 4, 6, 7])
    """
    unit: dict[str, int] = {}
    for layer in network:
        if layer.op.convolves:
            unit[layer.name] = 1 + len(unit)
    last = 1 + len(unit)
    sources: dict[str, set[int]] = {}
    found: set[tuple[int, int]] = set()
    for layer in network:
        read = set().union(*(sources[tensor.name] for tensor in layer.inputs))
        if layer.name in unit:
            found |= {(source, unit[layer.name]) for source in read}
            read = {unit[layer.name]}
        sources[layer.name] = read if layer.inputs else {0}
    for name in network.outputs:
        found |= {(source, last) for source in sources[name]}
    return last + 1, sorted(found)


def kernel_units(program: Program) -> Ints:
    """The unit that each kernel prepares or is: a concat belongs to the convolution after it.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("patterns/harmonic"), buffer=512 * 1024)
    >>> kernel_units(program)[:4].tolist(), [kernel.name for kernel in program.kernels[:3]]
    ([1, 2, 2, 3], ['block1.1.conv', 'block1.2.concat', 'block1.2.conv'])
    """
    convolves = np.array([each.op.convolves for each in program.kernels])
    found: Ints = np.cumsum(convolves) - convolves + 1
    return found


def per_unit(column: Ints, unit: Ints, units: int) -> Ints:
    """Sums over the kernels of each unit."""
    found = np.zeros((units, *column.shape[1:]), np.int64)
    np.add.at(found, unit, column)
    return found
