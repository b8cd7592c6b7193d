"""The smallest cache with which a network moves no more than so much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from memsim.errors import SimulationError
from memsim.results.curve import CurveResult
from memsim.sheets.facts import Facts

SCHEMA = "memsim.size/1"


@dataclass(frozen=True)
class SmallestCache(Facts):
    """The smallest cache that keeps traffic at a limit: one byte less, and it is more than that.

    Attributes
    ----------
    network : str
    cache_bytes : int
        0 where no cache is needed.
    dram_bytes : int
        What moves with it.
    limit_bytes : int
        What may move at most.
    compulsory_bytes : int
        What moves with any cache.

    Examples
    --------
    >>> import memsim
    >>> memsim.size("hardnet68", traffic="80MB").cache_bytes
    1892352
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.size:size_sheet"

    network: str
    cache_bytes: int
    dram_bytes: int
    limit_bytes: int
    compulsory_bytes: int

    @classmethod
    def of(cls, curve: CurveResult, limit_bytes: int) -> SmallestCache:
        """Look the smallest cache up in a curve.

        Raises
        ------
        SimulationError
            If the limit is exceeded with every cache.
        """
        name, compulsory = curve.program.network.name, curve.program.compulsory_bytes
        size = curve.smallest(limit_bytes)
        if size is None:
            least = int(curve.steps.dram_bytes[-1])
            raise SimulationError(
                f"no cache keeps the traffic of {name} at {limit_bytes:,} B: with the largest it "
                f"is {least:,} B, of which {compulsory:,} B are compulsory"
            )
        return cls(name, size, curve.dram_bytes(size), limit_bytes, compulsory)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.size/1"``."""
        return {"schema": SCHEMA, **self.rows()[0]}

    def rows(self) -> list[dict[str, Any]]:
        """One flat row."""
        return [
            {
                "network": self.network,
                "cache_bytes": self.cache_bytes,
                "dram_bytes": self.dram_bytes,
                "limit_bytes": self.limit_bytes,
                "compulsory_bytes": self.compulsory_bytes,
            }
        ]
