"""Prices of capacity, moment by moment, by steps in the direction of what is wanted too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.residency.packing import Packing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

STEPS, MEMORY, PATIENCE, SHORTER = 2500, 0.95, 50, 2 / 3
"""Most steps, where the program is not large; how much of a direction is that of the step before;
steps without a better bound after which they get shorter, and by what. Chosen by looking at five
programs of shipped networks: the bound was within 0.06 % of the linear program's there, and twice
the steps found hardly more."""

WORK = 5_000_000
"""Items that are looked at in all, about a second: so large programs get fewer steps."""


def rising_prices(packing: Packing, moved: int) -> Floats:
    """Prices whose bound is high: the dual of the packing's linear relaxation, ascended.

    Parameters
    ----------
    packing : Packing
    moved : int
        Bytes that some packing moves; the bound is not above it.

    Returns
    -------
    float array, per moment
        What a byte of capacity costs, in bytes moved. Any prices give a bound
        (:meth:`~memsim.engines.bounds.intervals.Intervals.bound`), so these need not be the best.

    Notes
    -----
    The subgradient method [1]_, [2]_: at some prices every item decides alone whether it is worth
    its place. Where more is kept than fits the price rises, where less it falls, in steps of
    ``length * (moved - bound) / |excess|^2`` bytes [2]_. Most of the direction is that of the step
    before [3]_, without which it swings from side to side.

    References
    ----------
    .. [1] M. Held, P. Wolfe, H. P. Crowder, "Validation of subgradient optimization",
       Mathematical Programming 6, 1974.
    .. [2] B. T. Polyak, "Minimization of unsmooth functionals", USSR Computational Mathematics
       and Mathematical Physics 9(3), 1969.
    .. [3] P. M. Camerini, L. Fratta, F. Maffioli, "On improving relaxation methods by modified
       gradient techniques", Mathematical Programming Study 3, 1975.
    """
    moments, capacity = packing.intervals.moments, packing.capacity
    price = np.zeros(moments)
    best = direction = price
    if not moments or not capacity:
        return np.full(moments, 1.0)
    weight = (packing.size * packing.most).astype(np.float64)
    worth = packing.fetched.astype(np.float64)
    dirty = np.flatnonzero(packing.epoch >= 0)
    epoch, epochs = packing.epoch[dirty], len(packing.epochs)
    epoch_weight = weight[packing.epoch_first]
    target = float(moved - packing.intervals.fixed)
    highest, length, since = -1.0, 1.0, 0
    for _ in range(min(STEPS, 100 + 10 * moments, 100 + WORK // len(packing))):
        until = np.concatenate([[0.0], np.cumsum(price)])
        cost = until[packing.end] - until[packing.begin]
        paid = np.minimum(cost, worth)
        excess = np.bincount(epoch, (cost - paid)[dirty], epochs)
        bound = float(weight @ paid + epoch_weight @ np.minimum(excess, 1) - capacity * price.sum())
        if bound > highest:
            highest, best, since = bound, price, 0
        else:
            since += 1
            if since == PATIENCE:
                length, since = length * SHORTER, 0
                price, direction = best, np.zeros(moments)
                continue
        kept = cost < worth
        kept[dirty] |= (excess < 1)[epoch]
        held = np.where(kept, weight, 0)
        change = np.bincount(packing.begin, held, moments + 1)
        change -= np.bincount(packing.end, held, moments + 1)
        over = np.cumsum(change)[:-1] - capacity
        over[(price <= 0) & (over < 0)] = 0
        if direction.any():
            direction = MEMORY * direction + (1 - MEMORY) * over
        else:
            direction = over.astype(np.float64)
        norm = float(direction @ direction)
        if norm == 0 or target - bound < 0.999:  # bytes are whole, so no other bound is better
            break
        price = np.maximum(price + length * (target - bound) / norm * direction, 0)
    return best
