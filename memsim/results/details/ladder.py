"""The ladder: how low the traffic goes by what is done about it, each rung a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memsim.results.details.figures import Figures


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
