"""The best packing of all, by integer programming: for small programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.bounds.intervals import Intervals
from memsim.engines.cache.trace import Trace
from memsim.engines.residency.packing import Packing
from memsim.errors import InputError, Problem, SimulationError
from memsim.installation import install

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

LARGEST = 400
"""Most items, intervals that differ, that are solved for: some seconds."""


def exact_packing(trace: Trace, capacity: int, *, largest: int = LARGEST) -> tuple[int, Ints]:
    """Find the least that any cache of a capacity fetches and writes back of a trace.

    Parameters
    ----------
    trace : Trace
    capacity : int
        Bytes.
    largest : int
        Most items to solve for.

    Returns
    -------
    int, int64 array
        Bytes; how many blocks of each item of the trace's
        :class:`~memsim.engines.residency.packing.Packing` are kept.

    Raises
    ------
    SimulationError
        If there are more items, or the solver comes to no end.
    InputError
        If SciPy is not installed.

    Notes
    -----
    The linear program of :func:`memsim.engines.bounds.bounds.lower_bound` with whole blocks, by
    HiGHS' branch and bound. The result is counted from the blocks that are kept, in integers.
    """
    packing = Packing.of(Intervals.of(trace, capacity))
    return packing.moved(found := best_kept(packing, largest)), found


def best_kept(packing: Packing, largest: int = LARGEST, seconds: float | None = None) -> Ints:
    """How many blocks of each item are kept in the best packing; see :func:`exact_packing`."""
    count, epochs, moments = len(packing), len(packing.epochs), packing.intervals.moments
    if not count:
        return np.zeros(0, np.int64)
    if count > largest:
        message = f"the best packing takes an integer program of {count:,} items, more than "
        hint = "policy pinned takes any, and tells how far it may be from the best"
        raise SimulationError(Problem(f"{message}{largest:,}", hint=hint))
    try:
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint, milp
    except ImportError:
        hint = install("calibrate")
        message = "the best packing needs SciPy, which is not installed"
        raise InputError(Problem(message, hint=hint)) from None
    # Columns: blocks kept of each item, and throughout each epoch; bytes held at each moment.
    scale = packing.capacity
    which, moment = np.arange(count), np.arange(moments)
    size = packing.size / scale
    of = packing.epoch_first
    cost = np.concatenate([-np.where(packing.fetched, size, 0), -size[of], np.zeros(moments)])
    ends = np.flatnonzero(packing.end < moments)
    held = sparse.csr_matrix(
        (
            np.concatenate([-size, size[ends], np.ones(moments), -np.ones(moments - 1)]),
            (
                np.concatenate([packing.begin, packing.end[ends], moment, moment[1:]]),
                np.concatenate(
                    [which, ends, count + epochs + moment, count + epochs + moment[:-1]]
                ),
            ),
        ),
        shape=(moments, len(cost)),
    )
    dirty = np.flatnonzero(packing.epoch >= 0)
    row = np.arange(len(dirty))
    throughout = sparse.csr_matrix(
        (
            np.repeat([1.0, -1.0], len(dirty)),
            (np.tile(row, 2), np.concatenate([count + packing.epoch[dirty], dirty])),
        ),
        shape=(len(dirty), len(cost)),
    )
    constraints = [LinearConstraint(held, 0, 0), LinearConstraint(throughout, -np.inf, 0)]
    most = np.concatenate([packing.most, packing.most[of], np.ones(moments)])
    options = {"mip_rel_gap": 0.0, **({} if seconds is None else {"time_limit": seconds})}
    solved = milp(
        cost,
        integrality=np.repeat([1, 0], [count + epochs, moments]),
        bounds=Bounds(0, most),
        constraints=constraints,
        options=options,
    )
    if solved.x is None:
        raise SimulationError(f"the solver found no packing: {solved.message}")
    kept: Ints = np.rint(solved.x[:count]).astype(np.int64)
    if not solved.success or packing.used(kept).max(initial=0) > packing.capacity:
        raise SimulationError(f"the solver found no best packing: {solved.message}")
    return kept
