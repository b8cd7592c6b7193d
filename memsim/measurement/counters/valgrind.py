"""DRAM traffic of a real PyTorch run under simulated caches, counted by Valgrind.

The process that runs the network is executed instruction by instruction, and every access to data
is looked up in a first level of 32 KiB and in last levels of the sizes that are asked for, all of
them LRU, write-back and write-allocate, the last ones with 16 ways. What a last level misses and
what it writes back is DRAM traffic. Nothing is modelled but the caches: kernels, scratch memory,
the heap and the interpreter are the real ones. Valgrind's processor has AVX2 and no more, so the
libraries pick their kernels for that; what the system itself touches, pages that it zeroes above
all, is not seen.

:mod:`memsim.measurement.counters.data_cache` counts with a tool of our own, which needs a compiler
and Valgrind's headers; without them :mod:`memsim.measurement.counters.callgrind` does.

References
----------
N. Nethercote, J. Seward: Valgrind: A Framework for Heavyweight Dynamic Binary Instrumentation,
PLDI 2007.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from memsim.errors import InputError, Problem
from memsim.measurement.counters.caches import LINE, WAYS, CacheCounts
from memsim.measurement.counters.callgrind import Callgrind
from memsim.measurement.counters.child_run import Child
from memsim.measurement.counters.data_cache import DataCache
from memsim.measurement.measured import MeasuredNetwork, identity
from memsim.network.graph import Network
from memsim.readable import format_bytes_exact, format_size
from memsim.units import Quantity, parse_bytes

SCHEMA = "memsim.simulated_cache/2"

SIZES: tuple[Quantity, ...] = ("1MiB",)
"""Of the last level, where nothing is said."""

MOST_SIZES = 16
"""Last levels of one run."""


@dataclass(frozen=True, kw_only=True)
class SimulatedCache(MeasuredNetwork):
    """What a network moved to and from DRAM when PyTorch ran it under simulated caches.

    Attributes
    ----------
    vectors : str
        The instructions that the kernels use: ``avx2``, or ``avx`` of a fast run.
    processes : int
        Runs, each a process of its own with another history of the heap.
    counts : tuple of CacheCounts
        One per size, over all processes.
    facts : mapping of str to str
        About software and method.
    """

    laid_out_by: ClassVar[str] = "memsim.measurement.counters.sheet:simulated_cache_sheet"

    vectors: str
    processes: int
    counts: tuple[CacheCounts, ...]
    facts: Mapping[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per size, in bytes."""
        where = {**self.where, "vectors": self.vectors, "processes": self.processes}
        return [{**where, **each.to_dict()} for each in self.counts]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.simulated_cache/2"``."""
        return {
            "schema": SCHEMA,
            "facts": dict(self.facts),
            **self.where,
            "vectors": self.vectors,
            "processes": self.processes,
            "caches": [each.to_dict() for each in self.counts],
        }


def simulated_cache(
    network: Network,
    lowering: str = "fused",
    sizes: Sequence[Quantity] = SIZES,
    *,
    fast: bool = False,
    processes: int = 1,
    name: str = "",
    variant: str = "",
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> SimulatedCache:
    """Run a network in PyTorch under simulated caches, alone in a process.

    A process starts in about half a minute; a pass then takes some fifty times as long as without
    Valgrind. All sizes are counted in one run, but by Callgrind, which needs one for each.

    Parameters
    ----------
    network : Network
    lowering : str
        ``eager`` or ``fused``, see :func:`memsim.measurement.run.runnable.prepare`.
    sizes : sequence of str or int
        Of the last level: 1 KiB times a power of two, since it has 16 ways of lines of 64 bytes.
    fast : bool
        Use kernels for AVX instead of AVX2. They are other kernels: convolutions whose channels
        are no multiples of 8 become im2col and a matrix product. The facts name those that do.
    processes : int
        How often to run. Where malloc puts maps depends on what the heap has seen before, which
        differs from process to process, and traffic with it.
    name, variant : str
        What the network is called in the result; its own name if empty.
    progress : callable
        Called with the number of runs that are done and of all.

    Raises
    ------
    InputError
        For a size that is none, without Valgrind or PyTorch, or for another lowering.
    SimulationError
        If PyTorch cannot run the network, or the run under Valgrind fails.
    """
    last_levels = [_checked(size) for size in sizes]
    if not 0 < len(last_levels) <= MOST_SIZES:
        what = f"{len(last_levels)} sizes are given; expected 1 to {MOST_SIZES}"
        raise InputError(Problem(what, "--cachegrind"))
    if processes < 1:
        raise InputError(Problem(f"{processes} is too few; expected 1 or more", "--processes"))
    programs = _programs()
    from memsim.measurement.run.runnable import prepare

    prepare(network, lowering)  # what cannot run is told now, not after half a minute
    with tempfile.TemporaryDirectory(prefix="memsim-") as folder:
        child = Child(Path(folder), programs, network, lowering, fast)
        counter = DataCache.find(child) or Callgrind(child)
        runs = counter.runs(last_levels)
        found = []
        for process in range(processes):
            counts = []
            for done, group in enumerate(runs):
                counts += counter.count(group, seed=process)
                progress(process * len(runs) + done + 1, processes * len(runs))
            found.append(counts)
        facts = {"measured by": "memsim measure --cachegrind", **counter.facts(), **child.facts()}
    return SimulatedCache(
        **identity(network, lowering, name, variant),
        vectors="avx" if fast else child.report["vectors"].lower(),
        processes=processes,
        counts=tuple(CacheCounts.over(each) for each in zip(*found, strict=True)),
        facts=facts,
    )


def _checked(size: Quantity) -> int:
    """A size in bytes of which there can be a cache."""
    nbytes = parse_bytes(size)
    sets, rest = divmod(nbytes, WAYS * LINE)
    if rest or sets & (sets - 1) or not sets:
        ways = f"{WAYS} ways of lines of {LINE} B and 2, 4, 8, ... sets"
        message = f"{format_bytes_exact(nbytes)} are no cache of {ways}"
        power = 1 << max(sets, 1).bit_length()
        near = [format_size(number * WAYS * LINE) for number in (power // 2, power)]
        hint = f"the nearest that are: {' and '.join(near)}"
        raise InputError(Problem(message, "--cachegrind", hint))
    return nbytes


def _programs() -> tuple[str, str]:
    """Where ``valgrind`` and ``vgdb`` are."""
    valgrind, vgdb = shutil.which("valgrind"), shutil.which("vgdb")
    if valgrind is None or vgdb is None:
        missing = "valgrind" if valgrind is None else "vgdb, a part of Valgrind"
        hint = "such as by apt install valgrind"
        problem = Problem(f"this needs {missing}: it is not installed", "--cachegrind", hint)
        raise InputError(problem)
    return valgrind, vgdb
