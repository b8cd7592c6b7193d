"""Activity: what of the machine is busy when, and how fast bytes cross to and from DRAM then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.network.stages import stages
from memsim.results.run import Result
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Activity:
    """When each engine is busy: int64 arrays of (start, end) in picoseconds, ascending.

    Spans that touch are one; their lengths sum to the engine's busy time exactly.

    Attributes
    ----------
    load, store : int64 array of shape (spans, 2)
        The DRAM channel, fetching and writing.
    compute, stall : int64 array of shape (spans, 2)
        The compute engine, working and waiting; together they fill the whole time.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18")
    >>> busy = Activity.of(result).compute
    >>> int((busy[:, 1] - busy[:, 0]).sum()) == sum(result.steps.compute)
    True
    """

    load: Ints
    store: Ints
    compute: Ints
    stall: Ints

    @classmethod
    def of(cls, result: Result) -> Activity:
        """The activity of a run."""
        line = result.timeline
        before = np.concatenate([[0], line.compute_end[:-1]])
        tail = [[int(line.compute_end[-1]), result.time_ps]]
        return cls(
            load=_joined(np.stack([line.load_start, line.load_end], axis=1)),
            store=_joined(np.stack([line.store_start, line.store_end], axis=1)),
            compute=_joined(np.stack([line.compute_start, line.compute_end], axis=1)),
            stall=_joined(np.concatenate([np.stack([before, line.compute_start], axis=1), tail])),
        )

    @property
    def by_engine(self) -> dict[str, Ints]:
        """The spans by name: ``load``, ``store``, ``compute``, ``stall``."""
        return {
            "load": self.load, "store": self.store, "compute": self.compute, "stall": self.stall
        }  # fmt: skip


def _joined(pairs: Ints) -> Ints:
    """Spans without the empty ones, those that touch as one."""
    pairs = pairs[pairs[:, 1] > pairs[:, 0]]
    if not len(pairs):
        return pairs
    new = np.concatenate([[True], pairs[1:, 0] != pairs[:-1, 1]])
    last = np.append(np.flatnonzero(new)[1:] - 1, len(pairs) - 1)
    return np.stack([pairs[new, 0], pairs[last, 1]], axis=1)


@dataclass(frozen=True, slots=True)
class DramRate:
    """How fast bytes cross the DRAM interface, averaged over equal parts of the time.

    Attributes
    ----------
    edges : float array, parts + 1
        Where the parts begin and end, in picoseconds.
    load, store : float array, per part
        Bytes per second.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18")
    >>> rate = DramRate.of(result, parts=100)
    >>> moved = (rate.load + rate.store).mean() * result.time_s
    >>> bool(abs(moved / result.dram_bytes - 1) < 1e-9)
    True
    """

    edges: Floats
    load: Floats
    store: Floats

    @classmethod
    def of(cls, result: Result, parts: int) -> DramRate:
        """The rates of a run; bytes are spread evenly over the time of their transfer."""
        edges = np.linspace(0, result.time_ps, parts + 1)
        line, traffic = result.timeline, result.traffic
        return cls(
            edges,
            _rate(edges, line.load_start, line.load_end, traffic.load_bytes),
            _rate(edges, line.store_start, line.store_end, traffic.store_bytes),
        )


def _rate(edges: Floats, start: Ints, end: Ints, nbytes: Ints) -> Floats:
    moves = nbytes > 0  # a transfer of nothing has a time, but no place on the channel
    start, end, nbytes = start[moves], end[moves], nbytes[moves]
    if not len(nbytes):
        return np.zeros(len(edges) - 1)
    times = np.stack([start, end], axis=1).reshape(-1)
    total = np.cumsum(nbytes)
    sums = np.stack([total - nbytes, total], axis=1).reshape(-1)
    rate: Floats = np.diff(np.interp(edges, times, sums)) / np.diff(edges) * PICOSECONDS
    return rate


def stage_times(result: Result) -> list[tuple[str, int, int]]:
    """When each stage of the network is computed: its name, its start and its end.

    Times are picoseconds. A stage starts where the one before it ends, and ends with its last
    task; see :func:`memsim.network.stages.stages`.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18")
    >>> times = stage_times(result)
    >>> times[0][:2], times[-1][2] <= result.time_ps
    (('conv1', 0), True)
    """
    program, ends = result.program, result.timeline.compute_end
    names = [program.kernels[kernel].name for kernel in program.task_kernel]
    return [
        (stage, int(ends[begin - 1]) if begin else 0, int(ends[end - 1]))
        for stage, begin, end in stages(names)
    ]
