"""Schedules: the order in which tasks run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from memsim.program.columns import Columns
from memsim.program.depth_first import DepthFirst
from memsim.program.tiling import Tiling
from memsim.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Index = NDArray[np.int64]
    Schedule = Callable[[Columns, DepthFirst | None, Mapping[int, Tiling]], Index | None]

SCHEDULES: Registry[Schedule] = Registry("schedule")
"""Task orders: (columns, groups, the tilings of their kernels) -> permutation, None for as listed.

Groups are None where none are told.
"""


@SCHEDULES.register("layer_by_layer")
def layer_by_layer(
    columns: Columns, groups: DepthFirst | None, tilings: Mapping[int, Tiling]
) -> Index | None:
    """Kernel after kernel, each for the whole batch: the order in which tasks are listed."""
    return None


@SCHEDULES.register("depth_first")
def depth_first(
    columns: Columns, groups: DepthFirst | None, tilings: Mapping[int, Tiling]
) -> Index | None:
    """Groups of kernels strip by strip, image by image; other kernels one after the other."""
    assert groups is not None
    return groups.order(columns, tilings)
