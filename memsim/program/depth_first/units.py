"""Units: what runs one after the other, a kernel by itself or a group depth first."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import InputError, Problem
from memsim.network.graph import Network
from memsim.program.kernel import Kernel
from memsim.program.kernel_graph import kernel_readers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

Group = tuple[int, ...]
"""Numbers of kernels, ascending."""


@dataclass(frozen=True, slots=True)
class Units:
    """Kernels and groups in the order in which they run.

    Attributes
    ----------
    units : tuple of tuple of int
        The kernels of each, by number.
    """

    units: tuple[Group, ...]

    @classmethod
    def of(cls, network: Network, kernels: Sequence[Kernel], groups: Sequence[Group]) -> Units:
        """Put groups and the kernels outside of them in order: the file's, as far as edges allow.

        Raises
        ------
        InputError
            If two groups read each other's maps, so that neither can run first.
        """
        unit_of: dict[int, Group] = {number: (number,) for number in range(len(kernels))}
        unit_of.update({number: group for group in groups for number in group})
        number_of = {kernel.name: at for at, kernel in enumerate(kernels)}
        readers = kernel_readers(network, kernels)
        behind: dict[Group, set[Group]] = {u: set() for u in unit_of.values()}
        for at, kernel in enumerate(kernels):
            targets = {unit_of[number_of[name]] for name in readers[kernel.name]}
            behind[unit_of[at]] |= targets - {unit_of[at]}
        waits = dict.fromkeys(behind, 0)
        for targets in behind.values():
            for unit in targets:
                waits[unit] += 1
        ready = [unit for unit, count in waits.items() if not count]
        heapq.heapify(ready)
        order = []
        while ready:
            unit = heapq.heappop(ready)
            order.append(unit)
            for target in behind[unit]:
                waits[target] -= 1
                if not waits[target]:
                    heapq.heappush(ready, target)
        if len(order) < len(behind):
            stuck = [unit for unit in behind if waits[unit] and len(unit) > 1]
            names = " and ".join(kernels[unit[0]].name for unit in stuck[:2])
            message = f"the groups from {names} on wait for each other"
            raise InputError(Problem(message, path="group", hint="make one group of them"))
        return cls(tuple(order))

    def places(self, kernels: int) -> Index:
        """Of each kernel the place of its unit."""
        place = np.zeros(kernels, np.int64)
        for at, unit in enumerate(self.units):
            place[list(unit)] = at
        return place
