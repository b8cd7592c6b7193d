"""Bounds: traffic that no cache of a given capacity can save, whatever its policy.

A replacement policy decides what to keep; a bound tells how far its traffic can be from the best.
Fetches alone have a known optimum for equal blocks
(:func:`~memsim.engines.cache.policies.min.min_`). With write-backs the optimum is NP-complete to
find [1]_, and with unequal blocks it is NP-hard even without [2]_, so it is bounded from below: by
pricing capacity, moment by moment. Any prices give a bound
(:meth:`~memsim.engines.bounds.intervals.Intervals.bound`); a linear program finds the best ones.

References
----------
.. [1] N. Beckmann, P. B. Gibbons, B. Haeupler, C. McGuffey, "Writeback-aware caching", Symposium
   on Algorithmic Principles of Computer Systems (APOCS), 2020; brief announcement at SPAA 2019,
   doi:10.1145/3323165.3323169.
.. [2] L. Folwarczný, J. Sgall, "General caching is hard: even with small pages", Algorithmica,
   2016, arXiv:1506.07905 (the bit model: a fetch costs its bytes).
.. [3] D. S. Berger, N. Beckmann, M. Harchol-Balter, "Practical bounds on optimal caching with
   variable object sizes", Proc. ACM Meas. Anal. Comput. Syst. 2(2), 2018, arXiv:1711.03709: the
   relaxation over intervals, for fetches, as a minimum-cost flow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.bounds.intervals import Intervals
from memsim.engines.bounds.sweep import Sweep
from memsim.engines.cache.managements.scratchpad import cell_trace
from memsim.engines.cache.trace import Trace
from memsim.errors import InputError, Problem, SimulationError
from memsim.installation import install
from memsim.program.parts import Part
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

LARGEST = 100_000
"""Largest linear program, in intervals: about a minute."""

HALVES = (3, 4, 8, 16, 64)
"""How many times half the capacity must be wanted at a moment for the sweep to choose it."""

Bound = Callable[[Trace, int, bool], int]
"""(trace, capacity, divisible) -> bytes fetched and written back at least."""


def traffic_bound(
    program: Program, capacity: int, bound: Bound | None = None, only: Part | None = None
) -> int:
    """DRAM bytes that a program moves at least, on a scratchpad of a capacity.

    No policy moves fewer at this order of tasks: reads, write-backs and network outputs.

    Parameters
    ----------
    program : Program
    capacity : int
        Bytes.
    bound : Bound, optional
        :func:`lower_bound`, the default, or :func:`coarse_bound`.
    only : Part, optional
        Of this part's traffic alone, as if it had the capacity to itself.

    Notes
    -----
    Whole cells are decided about, and any part of one may be kept: that is never more than what
    blocks allow, and the linear program is several times smaller.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> moved = memsim.run("resnet18", cache="500kB").dram_bytes
    >>> program.compulsory_bytes < traffic_bound(program, 500_000, coarse_bound) <= moved
    True
    """
    trace: Trace = cell_trace(program)
    if only is not None:
        trace = trace.select(np.isin(program.touch_role, only.roles))
    moved = (bound or lower_bound)(trace, capacity, True)
    return moved + (0 if only is Part.WEIGHTS else program.compulsory_write_bytes)


def lower_bound(
    trace: Trace, capacity: int, divisible: bool = False, *, largest: int = LARGEST
) -> int:
    """Bytes that every cache of a capacity fetches and writes back, by linear programming.

    Parameters
    ----------
    trace : Trace
    capacity : int
        Bytes.
    divisible : bool
        Whether a part of a block may be kept.
    largest : int
        Most intervals to solve for.

    Returns
    -------
    int
        Certified: rounding errors of the solver can only lower it.

    Raises
    ------
    SimulationError
        If the trace has more intervals between accesses than ``largest``.
    InputError
        If SciPy is not installed.

    Notes
    -----
    Let ``x`` in [0, 1] be the part of a block kept over an interval between two accesses. What is
    not kept is fetched again, ``1 - x``; a dirty epoch writes back ``y >= 1 - x`` of each of its
    intervals, once; and at no moment more is kept than fits. Integral ``x`` and ``y`` are what
    caches do, so the relaxed minimum is below all of them. The moments are linked like a flow:
    what is held after an access is what was held before it, less the interval that ends, and the
    one that begins. The dual values of the capacity are the prices that certify the result.
    """
    intervals = Intervals.of(trace, capacity, divisible)
    if len(intervals) > largest:
        raise SimulationError(
            Problem(
                f"the bound takes a linear program of {len(intervals):,} intervals, more than "
                f"{largest:,}",
                hint="coarse_bound takes any trace",
            )
        )
    return intervals.bound(best_prices(intervals))


def coarse_bound(trace: Trace, capacity: int, divisible: bool = False) -> int:
    """Bytes that every cache of a capacity fetches and writes back, by sweeps over the trace.

    Never below what each block's first fetch moves, nor above :func:`lower_bound`, and often
    half way between. It takes any trace, and nothing but NumPy.

    Examples
    --------
    Two blocks in turn, and room for one: of both, wanted at once, one must be fetched again.

    >>> trace = Trace(start=np.array([0, 4]), block=np.array([0, 1, 0, 1], np.int32),
    ...               code=np.zeros(4, np.uint8), size=np.array([8, 8]))
    >>> coarse_bound(trace, 16), coarse_bound(trace, 8)
    (16, 24)
    """
    intervals = Intervals.of(trace, capacity, divisible)
    sweep = Sweep(intervals)
    return max(intervals.bound(sweep.prices(halves)) for halves in HALVES)


def best_prices(intervals: Intervals) -> Floats:
    """Solve the linear program for the price of a byte of capacity at each moment."""
    moments, epochs, count = intervals.moments, len(intervals.epoch_size), len(intervals)
    if not moments:
        return np.zeros(0)
    linprog, sparse = _scipy()
    scale = max(intervals.capacity, int(intervals.size.max()))
    size, capacity = intervals.size / scale, intervals.capacity / scale
    which, moment = np.arange(count), np.arange(moments)
    # Columns: each interval's x, each epoch's y, the bytes held at each moment.
    saved = np.where(intervals.fetched, size, 0)
    cost = np.concatenate([-saved, intervals.epoch_size / scale, np.zeros(moments)])
    ends = np.flatnonzero(intervals.end < moments)
    held = _matrix(
        sparse,
        (intervals.begin, which, -size),
        (intervals.end[ends], ends, size[ends]),
        (moment, count + epochs + moment, np.ones(moments)),
        (moment[1:], count + epochs + moment[:-1], -np.ones(moments - 1)),
        shape=(moments, len(cost)),
    )
    dirty = np.flatnonzero(intervals.epoch >= 0)
    row, ones = np.arange(len(dirty)), np.ones(len(dirty))
    written = _matrix(
        sparse,
        (row, dirty, -ones),
        (row, count + intervals.epoch[dirty], -ones),
        shape=(len(dirty), len(cost)),
    )
    most = np.concatenate([np.ones(count + epochs), np.full(moments, capacity)])
    solution = linprog(
        cost,
        A_ub=written,
        b_ub=-ones,
        A_eq=held,
        b_eq=np.zeros(moments),
        bounds=np.stack([np.zeros(len(cost)), most], axis=1),
        method="highs",
    )
    if solution.upper is None:
        raise SimulationError(f"the solver found no bound: {solution.message}")
    prices: Floats = -solution.upper.marginals[count + epochs :]
    return prices


def _matrix(sparse: Any, *entries: tuple[Any, Any, Any], shape: tuple[int, int]) -> Any:
    """A sparse matrix from (rows, columns, values)."""
    rows, columns, values = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    return sparse.csr_matrix((values, (rows, columns)), shape=shape)


def _scipy() -> tuple[Any, Any]:
    try:
        from scipy import sparse
        from scipy.optimize import linprog
    except ImportError:
        hint = install("calibrate")
        message = "the bound needs SciPy, which is not installed"
        raise InputError(Problem(message, hint=hint)) from None
    return linprog, sparse
