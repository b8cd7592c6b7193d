"""Schedules: the order in which tasks run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from memsim.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Schedule = Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.int64] | None]

SCHEDULES: Registry[Schedule] = Registry("schedule")
"""Task orders: (kernel of each task, its first image) -> permutation, None for as listed."""


@SCHEDULES.register("layer_by_layer")
def layer_by_layer(
    task_kernel: NDArray[np.int32], task_image: NDArray[np.int32]
) -> NDArray[np.int64] | None:
    """Kernel after kernel, each for the whole batch: the order in which tasks are listed."""
    return None
