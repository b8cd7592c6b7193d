"""Columns: tasks and their touches while a program is put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]


@dataclass(slots=True)
class Columns:
    """Tasks in order, and what they touch; the columns are those of a program.

    Only ``task_image`` is not: the first image of each task, for schedules.
    """

    task_kernel: NDArray[np.int32]
    task_image: NDArray[np.int32]
    task_macs: Index
    task_work: Index
    task_start: Index
    cell: NDArray[np.int32]
    write: NDArray[np.bool_]
    role: NDArray[np.uint8]

    def reorder(self, order: Index | None) -> None:
        """Run the tasks in another order; None keeps it."""
        if order is None:
            return
        counts = np.diff(self.task_start)[order]
        start = np.concatenate([[0], np.cumsum(counts)])
        source = np.repeat(self.task_start[:-1][order] - start[:-1], counts) + np.arange(start[-1])
        self.task_start = start
        for name in ("task_kernel", "task_image", "task_macs", "task_work"):
            setattr(self, name, getattr(self, name)[order])
        for name in ("cell", "write", "role"):
            setattr(self, name, getattr(self, name)[source])

    @classmethod
    def join(cls, parts: list[Columns]) -> Columns:
        """The tasks of several kernels, one after the other."""
        starts = [np.zeros(1, np.int64)]
        offset = 0
        for part in parts:
            starts.append(part.task_start[1:] + offset)
            offset += int(part.task_start[-1])

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(part, name) for part in parts])

        return cls(
            task_kernel=joined("task_kernel"),
            task_image=joined("task_image"),
            task_macs=joined("task_macs"),
            task_work=joined("task_work"),
            task_start=np.concatenate(starts),
            cell=joined("cell"),
            write=joined("write"),
            role=joined("role"),
        )
