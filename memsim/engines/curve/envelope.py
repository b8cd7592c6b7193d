"""The task order ``best``: of a fixed list of orders the one that moves least, size by size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.cache.cachepass import CachePass, cache_pass
from memsim.engines.curve.curve import Curve, StepFunction
from memsim.machine.cache import Cache
from memsim.network.graph import Network
from memsim.program import Program, build
from memsim.program.tiling import orders_of
from memsim.progress import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def candidate_programs(network: Network, **options: Any) -> dict[str, Program]:
    """Build the candidates: one program per task order that differs for the network's batch.

    ``best`` chooses one of them for the whole program; among equals the first.

    Parameters
    ----------
    network : Network
    **options
        Of :func:`memsim.build`, without ``order``.
    """
    return {order: build(network, order=order, **options) for order in orders_of(network.batch)}


def best_pass(
    programs: Mapping[str, Program],
    cache: Cache | int,
) -> tuple[str, CachePass]:
    """Run every candidate through one cache and return the one that moves least.

    Parameters
    ----------
    programs : mapping of str to Program
        Candidates by name, in order of preference among equals.
    cache : Cache or int
        As :func:`~memsim.engines.cache.cachepass.cache_pass` takes it.

    Returns
    -------
    name, traffic : str, CachePass
        What :meth:`Envelope.winner` names at that capacity, and its traffic.

    Examples
    --------
    >>> import memsim
    >>> programs = candidate_programs(memsim.load("resnet18"), buffer=64 * 1024)
    >>> [best_pass(programs, size)[0] for size in (100_000, 1_000_000)]
    ['weights_outer', 'rows_outer']
    """
    listed = counted(programs.items(), "task orders", len(programs))
    passes = {name: cache_pass(program, cache) for name, program in listed}
    return min(passes.items(), key=lambda item: item[1].read_bytes + item[1].write_bytes)


@dataclass(frozen=True)
class Envelope:
    """The least traffic of several programs of one network, at every cache size.

    Each candidate's curve falls with the size, so what is least of all falls too: a larger cache
    never moves more, whichever candidate wins. Reads or writes alone may rise where the winner
    changes.

    Attributes
    ----------
    curves : mapping of str to Curve
        Candidates by name, in order of preference among equals.

    Examples
    --------
    >>> import memsim
    >>> from memsim.engines.curve.curve import curve
    >>> programs = candidate_programs(memsim.load("resnet18"), buffer=64 * 1024)
    >>> best = Envelope({name: curve(program) for name, program in programs.items()})
    >>> best.winner(100_000), best.winner(1_000_000)
    ('weights_outer', 'rows_outer')
    >>> best.dram_bytes(100_000) == best.curves["weights_outer"].dram_bytes(100_000)
    True
    """

    curves: Mapping[str, Curve]

    def __post_init__(self) -> None:
        if not self.curves:
            raise ValueError("an envelope needs at least one curve")

    @cached_property
    def steps(self) -> StepFunction:
        """Total reads and writes of the winners as one step function, as a curve has it."""
        if len(self.curves) == 1:
            return next(iter(self.curves.values())).steps
        sizes, number = self._won
        columns = [np.empty_like(sizes) for _ in range(3)]
        for which, curve in enumerate(self.curves.values()):
            part, won = curve.steps, number == which
            at = np.searchsorted(part.cache_bytes, sizes[won], side="right") - 1
            for column, of in zip(
                columns, (part.read_bytes, part.write_bytes, part.weight_bytes), strict=True
            ):
                column[won] = of[at]
        return StepFunction(sizes, *columns)

    @cached_property
    def winners(self) -> tuple[tuple[int, str], ...]:
        """Each size from which on another candidate wins, and which; the first size is 0."""
        sizes, number = self._won
        names = list(self.curves)
        changes = np.flatnonzero(np.diff(number, prepend=-1))
        return tuple((int(sizes[i]), names[number[i]]) for i in changes)

    @cached_property
    def _won(self) -> tuple[Ints, Ints]:
        """The sizes at which the least traffic or the winner changes, and the winner's number."""
        parts = [curve.steps for curve in self.curves.values()]
        if len(parts) == 1:
            return parts[0].cache_bytes, np.zeros(len(parts[0].cache_bytes), np.int64)
        sizes = np.unique(np.concatenate([part.cache_bytes for part in parts]))
        moved = np.stack(
            [
                part.dram_bytes[np.searchsorted(part.cache_bytes, sizes, side="right") - 1]
                for part in parts
            ]
        )
        number = np.argmin(moved, axis=0)  # the first of equals
        least = moved[number, np.arange(len(sizes))]
        kept = np.diff(least, prepend=-1) != 0
        kept |= np.diff(number, prepend=-1) != 0
        return sizes[kept], number[kept]

    def winner(self, capacity: int) -> str:
        """The candidate that moves least at a capacity."""
        sizes, number = self._won
        which = int(number[np.searchsorted(sizes, capacity, side="right") - 1])
        return list(self.curves)[which]

    def curve(self, capacity: int) -> Curve:
        """The curve of the winner at a capacity, for traffic by layer, role and cause there."""
        return self.curves[self.winner(capacity)]

    def read_bytes(self, capacity: int) -> int:
        """Bytes read from DRAM."""
        return int(self.steps.read_bytes[self.steps.index(capacity)])

    def write_bytes(self, capacity: int) -> int:
        """Bytes written to DRAM."""
        return int(self.steps.write_bytes[self.steps.index(capacity)])

    def dram_bytes(self, capacity: int) -> int:
        """Bytes read from and written to DRAM: never more at a larger capacity."""
        return self.read_bytes(capacity) + self.write_bytes(capacity)

    def smallest(self, traffic_bytes: int) -> int | None:
        """The smallest cache in bytes with at most this DRAM traffic; None if none does it."""
        sizes = [curve.smallest(traffic_bytes) for curve in self.curves.values()]
        return min((size for size in sizes if size is not None), default=None)

    def smallest_within(self, fraction: float | Fraction) -> int | None:
        """The smallest cache whose traffic is at most this fraction above the compulsory."""
        sizes = [curve.smallest_within(fraction) for curve in self.curves.values()]
        return min((size for size in sizes if size is not None), default=None)
