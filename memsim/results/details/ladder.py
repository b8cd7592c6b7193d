"""The ladder: how low the traffic goes by what is done about it, each rung a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memsim.program.parts import Part
from memsim.results.run import Result
from memsim.units import PICOSECONDS


@dataclass(frozen=True, slots=True)
class Rung:
    """What one run moves and takes, and the command that makes it.

    Attributes
    ----------
    name : str
    command : str
    dram_bytes, dram_weight_bytes : int
        Of the part of the traffic that is told.
    time_ps : int
    energy_j : float or None
        None where the machine does not know all of it.
    """

    name: str
    command: str
    dram_bytes: int
    dram_weight_bytes: int
    time_ps: int
    energy_j: float | None

    @classmethod
    def of(cls, name: str, command: str, result: Result) -> Rung:
        """That of a run."""
        return cls(
            name,
            command,
            result.dram_bytes,
            result.by_part[Part.WEIGHTS],
            result.time_ps,
            result.totals["energy_j"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "name": self.name,
            "command": self.command,
            "dram_bytes": self.dram_bytes,
            "dram_weight_bytes": self.dram_weight_bytes,
            "time_s": self.time_ps / PICOSECONDS,
            "time_ps": self.time_ps,
            "energy_j": self.energy_j,
        }


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
