"""Figures: what is compared of two runs, and of the runs of a ladder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memsim.results.run import Result
from memsim.units import PICOSECONDS

__all__ = ["Figures", "Ladder", "Rung", "Saving"]


@dataclass(frozen=True, slots=True)
class Saving:
    """What one run needs less than another; below zero where it needs more.

    Attributes
    ----------
    dram_bytes, time_ps : int
    energy_j : float or None
        None where the machine does not know it.
    """

    dram_bytes: int
    time_ps: int
    energy_j: float | None

    @property
    def some(self) -> bool:
        """Whether anything is saved."""
        return self.dram_bytes > 0 or self.time_ps > 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "dram_bytes": self.dram_bytes,
            "time_s": self.time_ps / PICOSECONDS,
            "time_ps": self.time_ps,
            "energy_j": self.energy_j,
        }


@dataclass(frozen=True, slots=True)
class Figures:
    """The totals of a run, and the command that makes it.

    Attributes
    ----------
    command : str
    dram_bytes, dram_weight_bytes, time_ps : int
    energy_j : float or None
        Of DRAM, of the chip's memory and of MACs; None where the machine does not know it.
    """

    command: str
    dram_bytes: int
    dram_weight_bytes: int
    time_ps: int
    energy_j: float | None

    @classmethod
    def of(cls, result: Result, command: str) -> Figures:
        """Those of a result."""
        totals = result.totals
        return cls(
            command,
            totals["dram_bytes"],
            totals["dram_weight_bytes"],
            totals["time_ps"],
            totals["energy_j"],
        )

    def less_than(self, other: Figures) -> Saving:
        """What this run needs less than another."""
        known = self.energy_j is not None and other.energy_j is not None
        return Saving(
            other.dram_bytes - self.dram_bytes,
            other.time_ps - self.time_ps,
            other.energy_j - self.energy_j if known else None,  # type: ignore[operator]
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "command": self.command,
            "dram_bytes": self.dram_bytes,
            "dram_weight_bytes": self.dram_weight_bytes,
            "dram_feature_map_bytes": self.dram_bytes - self.dram_weight_bytes,
            "time_s": self.time_ps / PICOSECONDS,
            "time_ps": self.time_ps,
            "energy_j": self.energy_j,
        }


@dataclass(frozen=True, slots=True)
class Rung:
    """A run by name: what it moves and takes, and the command that makes it.

    Attributes
    ----------
    name : str
    figures : Figures
        Bytes are of the part of the traffic that is told.
    """

    name: str
    figures: Figures

    @property
    def command(self) -> str:
        """What makes the run."""
        return self.figures.command

    @property
    def dram_bytes(self) -> int:
        """What it moves."""
        return self.figures.dram_bytes

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {"name": self.name, **self.figures.to_dict()}


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs from the top down, as far as they can be run.

    Attributes
    ----------
    rungs : tuple of Rung
    without : mapping of str to str
        Rungs that the options leave no room for: by name, why.
    """

    rungs: tuple[Rung, ...]
    without: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Rung:
        """The rung of a name."""
        return {rung.name: rung for rung in self.rungs}[name]
