"""Frames: inferences in a row, the first and the steady one told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.cache.cachepass import by_cause, read_bytes, write_bytes
from memsim.engines.cache.transfers import Transfers
from memsim.engines.clock.steps import Timeline
from memsim.program.kernel import Cause, Role
from memsim.program.parts import Part, chosen
from memsim.program.program import Program
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Frame:
    """What one of several inferences moves, and how long it takes.

    Attributes
    ----------
    weights, feature_maps : dict of str to int
        DRAM bytes by cause: of weights, and of all else.
    time_ps : int
        From the end of the frame before.
    """

    weights: dict[str, int]
    feature_maps: dict[str, int]
    time_ps: int

    @property
    def weight_bytes(self) -> int:
        """DRAM bytes of weights."""
        return sum(self.weights.values())

    @property
    def feature_map_bytes(self) -> int:
        """DRAM bytes of all else."""
        return sum(self.feature_maps.values())

    @property
    def dram_bytes(self) -> int:
        """DRAM bytes."""
        return self.weight_bytes + self.feature_map_bytes

    @property
    def time_s(self) -> float:
        """Seconds."""
        return self.time_ps / PICOSECONDS

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "dram_bytes": self.dram_bytes,
            "weight_bytes": self.weight_bytes,
            "feature_map_bytes": self.feature_map_bytes,
            "weights_by_cause": self.weights,
            "feature_maps_by_cause": self.feature_maps,
            "time_s": self.time_s,
            "time_ps": self.time_ps,
        }


@dataclass(frozen=True)
class Frames:
    """The inferences of a run, one after the other; their bytes and times sum to the run's.

    A transfer belongs to the frame in which it happens. A frame ends when its last task is computed
    and all that was to be stored by then is.

    Attributes
    ----------
    traffic : int64 array, frames x kernels x roles x causes
        DRAM bytes.
    time_ps : int64 array, per frame

    Examples
    --------
    >>> import memsim
    >>> frames = memsim.run("resnet18", machine="textbook", cache="64MB", frames=3).frames
    >>> frames.first.weight_bytes, frames.steady.weight_bytes
    (46738848, 0)
    >>> frames.steady.dram_bytes  # an input and an output
    606112
    """

    traffic: Ints
    time_ps: Ints

    @classmethod
    def of(
        cls, program: Program, moved: Transfers, line: Timeline, only: Part | None = None
    ) -> Frames:
        """Tell the frames of a run apart; of the traffic one part alone where ``only`` says so."""
        task, kernel = program.touch_task, program.task_kernel
        shape = (program.frames, len(program.kernels), len(Role), len(Cause))
        traffic = np.zeros(shape, np.int64)
        for cause, flow, amount in by_cause(program, moved):
            where = program.task_frame[task[flow.at]], kernel[task[flow.of]]
            np.add.at(traffic[..., cause], (*where, program.touch_role[flow.of]), amount)
        last = program.touch_task[program.frame_end]
        stored = np.maximum.accumulate(line.store_end)
        ends = np.maximum(line.compute_end, stored)[last]
        return cls(chosen(traffic, only), np.diff(ends, prepend=0))

    def __len__(self) -> int:
        return len(self.time_ps)

    def __getitem__(self, number: int) -> Frame:
        """A frame, counted from 0; from the end where negative."""
        by_role = self.traffic[number].sum(axis=0)
        weights = by_role[Role.WEIGHT]
        rest = by_role.sum(axis=0) - weights
        return Frame(_by_cause(weights), _by_cause(rest), int(self.time_ps[number]))

    def layer(self, number: int, kernel: int) -> tuple[int, int]:
        """Bytes that a kernel reads and writes in a frame."""
        moved = self.traffic[number, kernel]
        return int(read_bytes(moved)), int(write_bytes(moved))

    @property
    def first(self) -> Frame:
        """The first frame, on a cold cache."""
        return self[0]

    @property
    def steady(self) -> Frame:
        """The last frame; what all later ones would be like if it is :attr:`settled`."""
        return self[-1]

    @property
    def settled(self) -> bool:
        """Whether the last two frames move the same bytes: by kernel, role and cause."""
        return len(self) > 1 and bool((self.traffic[-1] == self.traffic[-2]).all())

    @property
    def settled_time(self) -> bool:
        """Whether the last two frames take the same time, too.

        The last one may take less: it shares the DRAM channel with no frame after it.
        """
        return self.settled and bool(self.time_ps[-1] == self.time_ps[-2])

    def ends(self) -> dict[str, Any]:
        """The first and the steady frame as plain JSON values."""
        return {
            "count": len(self),
            "first": self.first.to_dict(),
            "steady": self.steady.to_dict(),
            "settled": self.settled,
            "settled_time": self.settled_time,
        }

    def to_dict(self) -> dict[str, Any]:
        """The first and the steady frame, and all of them, as plain JSON values."""
        return {
            **self.ends(),
            "each": [self[number].to_dict() for number in range(len(self))],
        }


def _by_cause(amounts: Ints) -> dict[str, int]:
    return {cause.name.lower(): int(amounts[cause]) for cause in Cause}
