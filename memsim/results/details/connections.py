"""Connections: which convolution reads which, and what each of them moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.network.graph import Network
from memsim.program.program import Program
from memsim.results.run import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Connections:
    """The units of a network and the links between them.

    Unit 0 is the network's input, units 1, 2, ... are its convolutions in order, and the last
    unit is what leaves. Whatever stands between two units (a concat, a pooling) is passed through.

    Attributes
    ----------
    units : int
        How many there are.
    links : tuple of (int, int)
        Which unit reads which, as (source, reader), ascending.
    kernel_unit : int64 array, per kernel
        The unit that each kernel prepares or is: a concat belongs to the convolution after it.
    traffic : int64 array, units x causes
        DRAM bytes of the kernels of each unit, by :class:`~memsim.program.kernel.Cause`.

    Examples
    --------
    >>> import memsim
    >>> block = Connections.of(memsim.run("patterns/harmonic"))
    >>> block.units, [source for source, reader in block.links if reader == 8]
    (18, [0, 4, 6, 7])
    """

    units: int
    links: tuple[tuple[int, int], ...]
    kernel_unit: Ints
    traffic: Ints

    @classmethod
    def of(cls, result: Result) -> Connections:
        """The connections of the network of a run."""
        units, links = network_links(result.network)
        kernel_unit = kernel_units(result.program)
        by_cause = result.moved.sum(axis=1)
        traffic = np.zeros((units, by_cause.shape[1]), np.int64)
        np.add.at(traffic, kernel_unit, by_cause)
        return cls(units, tuple(links), kernel_unit, traffic)

    @property
    def shortcuts(self) -> int:
        """Links that pass over at least one unit."""
        return sum(reader - source > 1 for source, reader in self.links)


def network_links(network: Network) -> tuple[int, list[tuple[int, int]]]:
    """The number of units of a network, and the links between them; see :class:`Connections`."""
    unit: dict[str, int] = {}
    for layer in network:
        if layer.op.convolves:
            unit[layer.name] = 1 + len(unit)
    leaving = 1 + len(unit)
    sources: dict[str, set[int]] = {}  # by layer: the units whose outputs its output is made of
    links: set[tuple[int, int]] = set()
    for layer in network:
        read = set().union(*(sources[tensor.name] for tensor in layer.inputs))
        if layer.name in unit:
            links |= {(source, unit[layer.name]) for source in read}
            read = {unit[layer.name]}
        sources[layer.name] = {0} if not layer.inputs else read
    for name in network.outputs:
        links |= {(source, leaving) for source in sources[name]}
    return leaving + 1, sorted(links)


def kernel_units(program: Program) -> Ints:
    """The unit of each kernel; see :class:`Connections`.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("patterns/harmonic"), buffer=512 * 1024)
    >>> kernel_units(program)[:4].tolist(), [kernel.name for kernel in program.kernels[:3]]
    ([1, 2, 2, 3], ['block1.1.conv', 'block1.2.concat', 'block1.2.conv'])
    """
    convolves = np.array([kernel.op.convolves for kernel in program.kernels])
    units: Ints = np.cumsum(convolves) - convolves + 1
    return units
