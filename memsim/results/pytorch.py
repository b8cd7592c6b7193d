"""The DRAM traffic of real PyTorch inference under a cache, predicted for many sizes at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from memsim.engines.cache.levels import FETCHES, READS, WRITEBACKS, LevelMisses
from memsim.program.spans import LibraryCall
from memsim.sheets.facts import Facts
from memsim.units import Quantity, parse_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

SCHEMA = "memsim.pytorch_traffic/1"

COLD, STEADY = 0, -1
"""Passes: the first one, from an empty cache; the last one, when the heap no longer grows."""


@dataclass(frozen=True)
class PytorchTraffic(Facts):
    """What a network moves to and from DRAM when PyTorch runs it.

    Attributes
    ----------
    network, mode, library : str
    sizes : tuple of int
        Bytes of the last-level cache.
    ways : int
        Lines of a set of the last-level cache.
    line : int
        Bytes of a line.
    calls : tuple of LibraryCall
        The functions that ran, in order.
    misses : LevelMisses
        Of all passes, in lines.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("squeezenet1_0").with_options(input_shape=(3, 64, 64))
    >>> traffic = memsim.pytorch_traffic(network, sizes=["256KiB", "32MiB"])
    >>> [row["cache_bytes"] for row in traffic.rows()]
    [262144, 33554432]
    >>> bool(traffic.read_bytes[1] < traffic.read_bytes[0])  # all of it fits into 32 MiB
    True
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.pytorch:pytorch_sheet"

    network: str
    mode: str
    library: str
    sizes: tuple[int, ...]
    ways: int
    line: int
    calls: tuple[LibraryCall, ...]
    misses: LevelMisses = field(repr=False)

    def column(self, which: int, steady: bool = True) -> Ints:
        """Bytes per size: of ``READS``, ``FETCHES`` or ``WRITEBACKS``."""
        lines: Ints = self.misses.last[STEADY if steady else COLD, :, :, which].sum(axis=1)
        return lines * self.line

    @property
    def read_bytes(self) -> Ints:
        """Bytes read from DRAM per size, steady state: load misses, and lines that are stored
        to, which are fetched first."""
        return self.column(READS) + self.column(FETCHES)

    @property
    def write_bytes(self) -> Ints:
        """Bytes written to DRAM per size, steady state: evictions of dirty lines."""
        return self.column(WRITEBACKS)

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per size, in bytes; ``cold_`` is the first pass."""
        names = (("load", READS), ("write_allocate", FETCHES), ("writeback", WRITEBACKS))
        return [
            {
                "network": self.network,
                "mode": self.mode,
                "cache_bytes": size,
                **{
                    f"{prefix}{name}_bytes": int(self.column(which, steady)[number])
                    for prefix, steady in (("", True), ("cold_", False))
                    for name, which in names
                },
                "library": self.library,
                "ways": self.ways,
            }
            for number, size in enumerate(self.sizes)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.pytorch_traffic/1"``.

        ``caches`` holds a row per size, as :meth:`rows` does.
        """
        named = ("network", "mode", "library", "ways")
        return {
            "schema": SCHEMA,
            "network": self.network,
            "mode": self.mode,
            "library": self.library,
            "ways": self.ways,
            "line_bytes": self.line,
            "calls": len(self.calls),
            "caches": [
                {name: value for name, value in row.items() if name not in named}
                for row in self.rows()
            ],
        }

    def layers(self, size: Quantity) -> Iterator[tuple[LibraryCall, tuple[int, int, int]]]:
        """Each call with its load misses, store misses and dirty evictions at a size, in lines.

        Raises
        ------
        ValueError
            For a size that was not looked at.
        """
        number = self.sizes.index(parse_bytes(size))
        for call, counts in zip(self.calls, self.misses.last[STEADY, number], strict=True):
            yield call, (int(counts[0]), int(counts[1]), int(counts[2]))
