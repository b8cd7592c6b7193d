"""A recorder: runs a process so that each call of malloc is written down.

A small library is compiled and loaded before the C library; it passes every call on. What it adds
to a call are some nanoseconds, no memory of the heap and no call of its own, so blocks lie where
they would lie without it.
"""

from __future__ import annotations

import ctypes
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from memsim.errors import InputError, Problem, SimulationError
from memsim.measurement.child import environment, write_job
from memsim.measurement.placement.recording import Recording
from memsim.measurement.run.malloc import MALLOCS
from memsim.network.graph import Network

SOURCE = Path(__file__).with_name("recorder.c")

VARIABLE = "MEMSIM_MALLOC_RECORD"
"""Names the file in a process's environment."""

SINGLE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

BUILD, BUILT, PASS = 1, 2, 100
"""Marks of a network's run: before and after it is made ready, and the first pass; passes count
on from there, and the mark after the last one is one more."""

STEP = 9
"""The mark after each step of a pass."""


def record(command: Sequence[str], own: Mapping[str, str] | None = None) -> Recording:
    """Run a command and record its calls of malloc; not those of processes that it starts.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    own : mapping of str to str, optional
        Variables of its environment beside those of this process.

    Raises
    ------
    InputError
        Without glibc or a C compiler.
    SimulationError
        If the command fails.
    """
    with tempfile.TemporaryDirectory(prefix="memsim-") as folder:
        library = _build(Path(folder))
        file = Path(folder) / "calls"
        extra = {**(own or {}), VARIABLE: str(file), "LD_PRELOAD": str(library)}
        done = subprocess.run(
            command, env=environment(extra), capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["it said nothing"]
            message = f"the recorded process failed (exit code {done.returncode}): {said[-1]}"
            raise SimulationError(message)
        return Recording.read(file)


def record_passes(
    network: Network,
    lowering: str = "fused",
    passes: int = 4,
    *,
    malloc: str = "keep",
    seed: int = 0,
) -> Recording:
    """Record a process that builds a network and runs forward passes on one thread.

    Parameters
    ----------
    network : Network
    lowering : str
        ``eager`` or ``fused``, see :func:`memsim.measurement.run.runnable.prepare`.
    passes : int
    malloc : str
        What the process does with freed memory: a key of
        :data:`memsim.measurement.run.malloc.MALLOCS`.
    seed : int
        Of Python's hashes, which decide in which order sets are walked: another past of the heap.

    Returns
    -------
    Recording
        From the first call of the process on, with the marks of this module.
    """
    if malloc not in MALLOCS:
        raise ValueError(f"{malloc!r} is none of {', '.join(MALLOCS)}")
    with tempfile.TemporaryDirectory(prefix="memsim-") as folder:
        job = write_job(Path(folder), network, lowering, passes=passes, malloc=malloc)
        module = "memsim.measurement.placement.recorded_run"
        own = {**SINGLE, "PYTHONHASHSEED": str(seed)}
        return record([sys.executable, "-m", module, str(job)], own)


def _build(folder: Path) -> Path:
    """Compile the library."""
    if platform.libc_ver()[0] != "glibc":
        raise InputError("malloc can be recorded where the C library is glibc, not here")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        hint = "such as by apt install gcc"
        raise InputError(Problem("this needs a C compiler: there is no cc and no gcc", hint=hint))
    library = folder / "recorder.so"
    done = subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise InputError(f"{compiler} cannot compile {SOURCE.name}: {said[-1]}")
    return library


def mark(number: int) -> None:
    """Put a mark into the recording of this process."""
    _marking()(number)


@cache
def _marking() -> Callable[[int], None]:
    """The library's function, looked up once: looking it up makes objects, which are recorded."""
    function: Any = ctypes.CDLL(None).memsim_record_mark
    function.argtypes, function.restype = [ctypes.c_uint64], None
    return cast("Callable[[int], None]", function)


def flush() -> None:
    """Have everything written that this process has recorded so far."""
    ctypes.CDLL(None).memsim_record_flush()
