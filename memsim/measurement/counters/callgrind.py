"""DRAM traffic of a real PyTorch run under a simulated cache, counted by Valgrind.

The process that runs the network is executed instruction by instruction by Callgrind, which looks
up every access in a first level of 32 KiB and a last level of the size that is asked for, both
LRU, write-back and write-allocate, the last one with 16 ways. What the last level misses and what
it writes back is DRAM traffic. Nothing is modelled but the caches: kernels, scratch memory, the
heap and the interpreter are the real ones, with two exceptions. Valgrind's processor has AVX2 and
no more, so oneDNN picks the kernels for that; and pages that the system zeroes are not seen.

References
----------
Valgrind User Manual, "Callgrind: a call-graph generating cache and branch prediction profiler".
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from memsim.errors import InputError, Problem, SimulationError
from memsim.measurement.child import environment, write_job
from memsim.measurement.counters.simulated_run import BEGIN, END, NATIVE, STEP
from memsim.measurement.measured import MeasuredNetwork, identity
from memsim.network.graph import Network
from memsim.readable import format_bytes_exact
from memsim.units import Quantity, parse_bytes

SCHEMA = "memsim.simulated_cache/1"

LINE, WAYS = 64, 16
"""Bytes of a line; lines of a set of the last level."""

FIRST_LEVEL = "32768,8,64"
"""Bytes, ways and line of the first levels, of instructions and of data."""

WARM = 2
"""Simulated passes before the counted one: they fill the cache."""

SIZES: tuple[Quantity, ...] = ("1MiB",)
"""Of the last level, where nothing is said."""

FAST = {
    "ONEDNN_MAX_CPU_ISA": "AVX",
    "MKL_ENABLE_INSTRUCTIONS": "AVX",
    "ATEN_CPU_CAPABILITY": "default",
}
"""What keeps the libraries from kernels that Valgrind runs slowly."""

SINGLE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}

READS, FETCHES, BACK, CODE = ("DLmr",), ("DLmw",), ("ILdmr", "DLdmr", "DLdmw"), ("ILmr",)
"""Callgrind's events that are counted together: misses of the last level by loads, by stores and
by instruction fetches, and misses of any kind that evict a dirty line."""

OWN = "PyTorch's own"
"""What runs a convolution that oneDNN does not: im2col and a matrix product."""


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """DRAM bytes of one forward pass under one cache, steady state.

    Attributes
    ----------
    cache_bytes : int
        Size of the last level.
    read_bytes : int
        Load misses.
    write_allocate_bytes : int
        Store misses: lines that are fetched before they are written.
    writeback_bytes : int
        Dirty lines that are evicted.
    instruction_bytes : int
        Misses of instruction fetches, which are reads, too, but not of tensors.
    """

    cache_bytes: int
    read_bytes: int
    write_allocate_bytes: int
    writeback_bytes: int
    instruction_bytes: int


@dataclass(frozen=True, kw_only=True)
class SimulatedCache(MeasuredNetwork):
    """What a network moved to and from DRAM when PyTorch ran it under simulated caches.

    Attributes
    ----------
    vectors : str
        The instructions that the kernels use: ``avx2``, or ``avx`` of a fast run.
    counts : tuple of CacheCounts
        One per size.
    facts : mapping of str to str
        About software and method.
    """

    laid_out_by: ClassVar[str] = "memsim.measurement.counters.sheet:simulated_cache_sheet"

    vectors: str
    counts: tuple[CacheCounts, ...]
    facts: Mapping[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per size, in bytes."""
        where = {**self.where, "vectors": self.vectors}
        return [{**where, **_plain(each)} for each in self.counts]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.simulated_cache/1"``."""
        return {
            "schema": SCHEMA,
            "facts": dict(self.facts),
            **self.where,
            "vectors": self.vectors,
            "caches": [_plain(each) for each in self.counts],
        }


def _plain(counts: CacheCounts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in CacheCounts.__slots__}


def simulated_cache(
    network: Network,
    lowering: str = "fused",
    sizes: Sequence[Quantity] = SIZES,
    *,
    fast: bool = False,
    warm: int = WARM,
    name: str = "",
    variant: str = "",
    progress: Callable[[int], object] = lambda done: None,
) -> SimulatedCache:
    """Run a network in PyTorch under simulated caches, one process for each size.

    A process starts in about half a minute; a pass then takes some hundred times as long as
    without Valgrind.

    Parameters
    ----------
    network : Network
    lowering : str
        ``eager`` or ``fused``, see :func:`memsim.measurement.run.runnable.prepare`.
    sizes : sequence of str or int
        Of the last level: 1 KiB times a power of two, since it has 16 ways of lines of 64 bytes.
    fast : bool
        Use kernels for AVX, which Valgrind runs many times as fast: it computes the fused
        multiply-adds of AVX2 one by one. They are other kernels: convolutions whose channels are
        no multiples of 8 become im2col and a matrix product. The facts name those that do.
    warm : int
        Simulated passes before the counted one, from an empty cache.
    name, variant : str
        What the network is called in the result; its own name if empty.
    progress : callable
        Called with the number of sizes that are done.

    Raises
    ------
    InputError
        For a size that is none, without Valgrind or PyTorch, or for another lowering.
    SimulationError
        If PyTorch cannot run the network, or the run under Valgrind fails.
    """
    last_levels = [_checked(size) for size in sizes]
    if not last_levels:
        raise InputError(Problem("there is no size to simulate", "--cachegrind"))
    if warm < 0:
        raise InputError(f"{warm} passes before the counted one are too few; expected 0 or more")
    tools = _tools()
    from memsim.measurement.run.runnable import prepare

    prepare(network, lowering)  # what cannot run is told now, not after half a minute
    counts = []
    with tempfile.TemporaryDirectory(prefix="memsim-") as folder:
        runner = _Runner(Path(folder), tools, network, lowering, fast, warm)
        for done, size in enumerate(last_levels, 1):
            counts.append(runner.run(size))
            progress(done)
    return SimulatedCache(
        **identity(network, lowering, name, variant),
        vectors="avx" if fast else runner.report["vectors"].lower(),
        counts=tuple(counts),
        facts=runner.facts(),
    )


def _checked(size: Quantity) -> int:
    """A size in bytes of which Callgrind can make a cache."""
    nbytes = parse_bytes(size)
    sets, rest = divmod(nbytes, WAYS * LINE)
    if rest or sets & (sets - 1) or not sets:
        ways = f"{WAYS} ways of lines of {LINE} B and 2, 4, 8, ... sets"
        message = f"{format_bytes_exact(nbytes)} are no cache of {ways}"
        raise InputError(Problem(message, "--cachegrind", "such as 256KiB, 1MiB or 32MiB"))
    return nbytes


def _tools() -> tuple[str, str]:
    """Where ``valgrind`` and ``vgdb`` are."""
    valgrind, vgdb = shutil.which("valgrind"), shutil.which("vgdb")
    if valgrind is None or vgdb is None:
        missing = "valgrind" if valgrind is None else "vgdb, a part of Valgrind"
        hint = "such as by apt install valgrind"
        problem = Problem(f"this needs {missing}: it is not installed", "--cachegrind", hint)
        raise InputError(problem)
    return valgrind, vgdb


class _Runner:
    """Starts the processes of one network and reads what they leave in a folder."""

    def __init__(
        self,
        folder: Path,
        tools: tuple[str, str],
        network: Network,
        lowering: str,
        fast: bool,
        warm: int,
    ) -> None:
        self.folder, self.fast, self.warm = folder, fast, warm
        self.valgrind, vgdb = tools
        self.prefix = f"--vgdb-prefix={folder / 'vgdb'}"  # pipes of no other process
        self.report: dict[str, Any] = {}
        self.verbose = ""
        self.job = write_job(
            folder,
            network,
            lowering,
            warm=warm,
            report=str(folder / "report.json"),
            vgdb=[vgdb, self.prefix],
        )

    def run(self, size: int) -> CacheCounts:
        for old in self.folder.glob("out*"):
            old.unlink()
        done = subprocess.run(
            self._command(size),
            env=environment({**SINGLE, **(FAST if self.fast else {})}),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        dumps = [path for path in self.folder.glob("out*") if f"before={END}" in path.read_text()]
        if done.returncode or len(dumps) != 1:
            raise SimulationError(Problem(self._failure(done), "--cachegrind"))
        self.verbose = done.stdout
        self.report = json.loads((self.folder / "report.json").read_text("utf-8"))
        return _counted(size, dumps[0].read_text())

    def _command(self, size: int) -> list[str]:
        return [
            self.valgrind, "--tool=callgrind", "--cache-sim=yes", "--simulate-wb=yes",
            f"--I1={FIRST_LEVEL}", f"--D1={FIRST_LEVEL}", f"--LL={size},{WAYS},{LINE}",
            "--instr-atstart=no", f"--zero-before={BEGIN}", f"--dump-before={END}",
            "--vgdb=yes", self.prefix, f"--log-file={self.folder / 'log'}",
            f"--callgrind-out-file={self.folder / 'out'}",
            sys.executable, "-m", "memsim.measurement.counters.simulated_run", str(self.job),
        ]  # fmt: skip

    def _failure(self, done: subprocess.CompletedProcess[str]) -> str:
        log = self.folder / "log"
        lines = (log.read_text(errors="replace") if log.exists() else "").splitlines()
        messages = done.stderr.strip().splitlines() or [
            line for line in lines if line.strip("=0123 ")
        ]
        if not done.returncode:
            messages = [f"Callgrind has seen no call of {BEGIN} and {END}"]
        last = messages[-1] if messages else "it said nothing"
        return f"the run under Valgrind failed (exit code {done.returncode}): {last}"

    def facts(self) -> dict[str, str]:
        version = subprocess.run(
            [self.valgrind, "--version"], capture_output=True, text=True, check=False
        ).stdout.strip()
        facts = {
            "measured by": "memsim measure --cachegrind",
            "simulator": f"{version}, callgrind --cache-sim=yes --simulate-wb=yes",
            "caches": f"I1 and D1 32,768 B with 8 ways; last level with {WAYS} ways, for "
            f"instructions, too; lines of {LINE} B; LRU, write-back, write-allocate",
            "events": f"misses x {LINE} B: read {'+'.join(READS)}, write_allocate "
            f"{'+'.join(FETCHES)}, writeback {'+'.join(BACK)}, instruction {'+'.join(CODE)}",
            "method": f"one process per size; one forward pass, steady state: after {NATIVE} that "
            f"are not simulated and {self.warm} that fill the cache",
            "torch": f"{self.report['torch']}, {self.report['vectors']}, one thread",
        }
        ran = implementations(self.verbose, self.report["kernels"])
        used = {name: ran.get(name, OWN) for name in self.report["convolutions"]}
        counted = Counter(used.values())
        if counted:
            facts["convolutions"] = ", ".join(f"{many} x {what}" for what, many in counted.items())
        products = [name for name, what in used.items() if "gemm" in what or what == OWN]
        if products:
            facts["im2col"] = " ".join(products)
        if self.fast:
            facts["fast"] = " ".join(f"{name}={value}" for name, value in FAST.items())
        return facts


def implementations(verbose: str, kernels: Sequence[str]) -> dict[str, str]:
    """What oneDNN ran for the convolution of each kernel.

    Parameters
    ----------
    verbose : str
        What a process said while ``ONEDNN_VERBOSE`` was on, with a line after every kernel.
    kernels : sequence of str
        Their names, in order.

    Examples
    --------
    >>> line = "onednn_verbose,v1,primitive,exec,cpu,convolution,jit:avx2,forward_inference"
    >>> implementations(f"{line}\\n{STEP}\\n{STEP}\\n", ["conv1", "maxpool1"])
    {'conv1': 'jit:avx2'}
    """
    kinds: dict[str, str] = {}
    number = 0
    for line in verbose.splitlines():
        fields = line.split(",")
        if line == STEP:
            number += 1
        elif "exec" in fields[:5] and fields[-1] and number < len(kernels):
            engine = fields.index("exec") + 1
            if fields[engine + 1] in ("convolution", "deconvolution"):
                kinds[kernels[number]] = fields[engine + 2]
    return kinds


def _counted(size: int, text: str) -> CacheCounts:
    """The counts of one dump. ``summary`` is what happened since the counters were zeroed;
    ``totals`` also has what functions that had been entered before were charged with."""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    values = dict(zip(lines["events"].split(), map(int, lines["summary"].split()), strict=False))
    read, fetch, back, code = (
        LINE * sum(values.get(event, 0) for event in events)
        for events in (READS, FETCHES, BACK, CODE)
    )
    return CacheCounts(size, read, fetch, back, code)
