"""The placement band: what a library's kernels move where memory is best and worst to them.

Where the heap puts a tensor decides whether it lies in lines that are still in the cache. That
depends on all that the process did before, so two runs of one network differ, and one number is
one draw. The ends of the band are no draws: memory that was freed last is used first, or never.
What a process touches besides tensors, which small caches move all the time, is not known better
than to a share either; the ends have less and more of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsim.engines.cache.leveled import level_transfers
from memsim.program.library.build import HEAP, build_library

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsim.engines.cache.transfers import Transfers
    from memsim.machine.cache import Cache
    from memsim.program.program import Program

MOST_LINES = 250_000_000
"""Accesses to lines of a library's run up to which the band is told unasked."""

SPREAD = 0.3
"""By how much what a process touches besides tensors may differ from the runtime's floors, which
are the same for all networks: of the rows of one kind of operator in development runs the middle
half lies about so far around them."""

ENDS = (("hottest", 1 - SPREAD), ("coldest", 1 + SPREAD))
"""Heaps, keys of :data:`memsim.program.memory.heaps.heap.HEAPS`, and how much the process touches
besides tensors."""


@dataclass(frozen=True, slots=True)
class Band:
    """DRAM bytes by where tensors lie.

    Attributes
    ----------
    low, high : int
        Bytes of all frames: every block in the memory that was freed last, and few objects besides
        tensors; every block in memory that was never used, and many.
    """

    low: int
    high: int

    def to_dict(self) -> dict[str, int]:
        """Plain values."""
        return {"low_bytes": self.low, "high_bytes": self.high}


def ends(program: Program) -> list[Program]:
    """A library's program at both ends of its band."""
    return [
        build_library(
            program.network,
            library=str(program.options["library"]),
            lowering=str(program.options["lowering"]),
            frames=program.frames,
            line=int(program.options["line_bytes"]),
            heap=heap,
            besides=besides,
        )
        for heap, besides in ENDS
    ]


def bands(program: Program, cache: Cache, sizes: Sequence[int]) -> list[Band]:
    """The bands of a library's program at some sizes of a cache of sets.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("squeezenet1_0", input_shape=(3, 64, 64))
    >>> program = build_library(network, library="onednn-avx2")
    >>> from memsim.machine.cache import Cache
    >>> cache = Cache(size=1 << 20, management="hardware", ways=16, first_level=1 << 15)
    >>> (band,) = bands(program, cache, [1 << 20])
    >>> band.low < band.high
    True
    """
    moved = [
        [_moved(found) for found in level_transfers(placed, cache, sizes)]
        for placed in ends(program)
    ]
    return [Band(min(pair), max(pair)) for pair in zip(*moved, strict=True)]


def quick_band(program: Program, cache: Cache) -> Band | None:
    """The band of a library's program, where no heap was asked for and it does not take long."""
    lines = sum(spans.nbytes for spans, _ in program.spans) // cache.line
    if program.options["heap"] != HEAP or cache.ways is None or lines > MOST_LINES:
        return None
    return bands(program, cache, [cache.size])[0]


def _moved(found: Transfers) -> int:
    return sum(int(flow.amount.sum()) for flow in (found.fetches, found.spills, found.results))
