"""The smallest cache with which a network moves no more than so much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from memsim.errors import SimulationError
from memsim.program.parts import Part
from memsim.results.configuration import identity, with_network
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
    dram_weight_bytes : int
        What of :attr:`dram_bytes` is weights; all else is feature maps.
    only : Part or None
        The part of the traffic that is told.
    sampled : tuple of int
        The sizes that were looked at, where not all were: the answer is the smallest of them.
    config : mapping
        The network, the machine, the lowering, the batch and the data type.

    Examples
    --------
    >>> import memsim
    >>> memsim.size("hardnet68", traffic="80MB").cache_bytes
    2938880
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.size:size_sheet"

    network: str
    cache_bytes: int
    dram_bytes: int
    limit_bytes: int
    compulsory_bytes: int
    dram_weight_bytes: int
    only: Part | None = None
    sampled: tuple[int, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, curve: CurveResult, limit_bytes: int) -> SmallestCache:
        """Look the smallest cache up in a curve.

        Raises
        ------
        SimulationError
            If the limit is exceeded with every cache.
        """
        name, compulsory = curve.program.network.name, curve.compulsory_bytes
        size = curve.smallest(limit_bytes)
        if size is None:
            least = int(curve.steps.dram_bytes[-1])
            what = "traffic" if curve.only is None else f"{curve.only.words} traffic"
            raise SimulationError(
                f"no cache keeps the {what} of {name} at {limit_bytes:,} B: with the largest it "
                f"is {least:,} B, of which {compulsory:,} B are compulsory"
            )
        steps = curve.steps
        weights = int(steps.weight_bytes[steps.index(size)])
        moved = curve.dram_bytes(size)
        size = size or (curve.sampled[0] if curve.sampled else 0)
        found = with_network(curve.program, curve.machine)
        told = identity(found, name, ("cache_bytes", "bandwidth_bytes_per_s"))
        return cls(
            name, size, moved, limit_bytes, compulsory, weights, curve.only, curve.sampled, told
        )

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
                "dram_weight_bytes": self.dram_weight_bytes,
                "dram_feature_map_bytes": self.dram_bytes - self.dram_weight_bytes,
                "limit_bytes": self.limit_bytes,
                "compulsory_bytes": self.compulsory_bytes,
                **({} if self.only is None else {"only": self.only.value}),
                **({"sampled_cache_bytes": list(self.sampled)} if self.sampled else {}),
                **{key: value for key, value in self.config.items() if key != "network"},
            }
        ]
