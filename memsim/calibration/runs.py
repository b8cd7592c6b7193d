"""Measured runs: the file that ``memsim measure`` writes and ``memsim calibrate`` reads.

CSV, with the facts of the measurement before it, one ``# key: value`` a line. A row is one time:
of a whole network where ``layer`` is empty, else of one kernel, under the name of its first layer
as ``memsim run --layers all`` shows it. Columns that are not needed here are left alone.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from memsim.errors import InputError, Problem, did_you_mean
from memsim.files import records
from memsim.network.graph import Network

REQUIRED = ("network", "lowering", "input", "median_s")
OPTIONAL = ("variant", "batch", "dtype", "threads", "layer", "op", "cpu_s", "spread_s", "runs")

CLOCK = "clock of the fit"
"""The fact that says which column of times is used."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measured time and what was run.

    Attributes
    ----------
    network : str
        A shipped name or a file.
    input_shape : tuple of int
        Channels, height, width.
    lowering : str
    seconds : float
        The median: of the processor time where one thread ran and it was read, since that is what
        a quiet machine would have taken, else of the wall clock.
    layer : str
        The kernel; empty for the whole network.
    variant, dtype : str
        Empty for the network's own.
    batch : int
    label : str
        What it is called in reports; the network's name where left out.
    clock : str
        ``cpu_s`` where ``seconds`` come from that column.
    """

    network: str
    input_shape: tuple[int, int, int]
    lowering: str
    seconds: float
    layer: str = ""
    variant: str = ""
    batch: int = 1
    dtype: str = ""
    label: str = ""
    clock: str = ""

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return self.label or self.network

    @property
    def place(self) -> tuple[object, ...]:
        """What the program depends on."""
        return (
            self.network, self.variant, self.input_shape, self.batch, self.dtype, self.lowering
        )  # fmt: skip


@dataclass(frozen=True)
class RunSet:
    """Runs of one machine and the facts of their measurement."""

    runs: tuple[Run, ...]
    facts: Mapping[str, str] = field(default_factory=dict)


def load_network(run: Run) -> Network:
    """The network of a run, as it was run; read once for all runs of it while its file stays."""
    return _load(content_of(run), run.network, run.variant, run.input_shape, run.batch, run.dtype)


def content_of(run: Run) -> bytes:
    """A digest of what the file of a run's network holds; empty where it cannot be read.

    What is kept of a network is kept under this and not under the file's name alone: a file may be
    edited in between.
    """
    from memsim.formats.library import path_of

    try:
        return sha256(path_of(run.network).read_bytes()).digest()
    except OSError:
        return b""


@lru_cache(maxsize=256)
def _load(
    content: bytes, name: str, variant: str, shape: tuple[int, int, int], batch: int, dtype: str
) -> Network:
    from memsim.formats import load

    return load(
        name, input_shape=shape, batch=batch, dtype=dtype or None, variant=variant or None
    )  # fmt: skip


def read_runs(paths: Iterable[str | os.PathLike[str]]) -> RunSet:
    """Read files of measured runs.

    Parameters
    ----------
    paths : iterable of path

    Returns
    -------
    RunSet
        All rows in order; of facts that differ between the files all values.

    Raises
    ------
    InputError
        For a file that cannot be read, a missing column, or a value that is none; all faults of
        all files at once.
    """
    runs: list[Run] = []
    facts: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for path in paths:
        file = os.fspath(path)
        try:
            lines = Path(path).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            problems.append(Problem(f"cannot be read: {reason}", file=file))
            continue
        for key, value in _facts(lines):
            known = facts.setdefault(key, [])
            if value not in known:
                known.append(value)
        found, faults = _rows(lines, file)
        runs += found
        problems += faults
    if not runs and not problems:
        problems.append(Problem("there are no runs"))
    if problems:
        raise InputError(*problems)
    told = {key: "; ".join(values) for key, values in facts.items()}
    if any(run.clock == "cpu_s" for run in runs):
        clocks = sorted({run.clock for run in runs})
        told[CLOCK] = "; ".join(_CLOCKS[clock] for clock in clocks)
    return RunSet(tuple(runs), told)


_CLOCKS = {
    "cpu_s": "cpu_s, the processor's time of one thread",
    "": "median_s, the wall clock, where several ran",
}


def _facts(lines: list[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        if line.startswith("#"):
            key, colon, value = line[1:].partition(":")
            if colon and value.strip():
                yield key.strip(), value.strip()


def _rows(lines: list[str], file: str) -> tuple[list[Run], list[Problem]]:
    table = [(number, line) for number, line in enumerate(lines, 1) if not line.startswith("#")]
    table = [(number, line) for number, line in table if line.strip()]
    if not table:
        return [], [Problem("there are no rows", file=file)]
    columns, rows = records(table, file)
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        at = table[0][0]
        return [], [
            Problem(f"missing column {name!r}", "", did_you_mean(name, columns), file, at, 1)
            for name in missing
        ]
    runs, problems = [], []
    for (number, _), row in zip(table[1:], rows, strict=False):
        try:
            runs.append(_run(row))
        except ValueError as error:
            problems.append(Problem(str(error), file=file, line=number, column=1))
    return runs, problems


def _run(row: Mapping[str, str | None]) -> Run:
    def text(name: str) -> str:
        return (row.get(name) or "").strip()

    for name in ("network", "lowering"):
        if not text(name):
            raise ValueError(f"{name} is empty")
    shape = tuple(int(part) if part.isdecimal() else 0 for part in text("input").split("x"))
    if len(shape) != 3 or not all(shape):
        raise ValueError(f"input {text('input')!r} is no size; expected such as 3x224x224")
    seconds, clock = _seconds("median_s", text("median_s")), ""
    if text("cpu_s") and text("threads") == "1":
        seconds, clock = _seconds("cpu_s", text("cpu_s")), "cpu_s"
    batch = text("batch") or "1"
    if not batch.isdecimal() or not int(batch):
        raise ValueError(f"batch {batch!r} is no number of images")
    channels, height, width = shape
    return Run(
        network=text("network"),
        input_shape=(channels, height, width),
        lowering=text("lowering"),
        seconds=seconds,
        layer=text("layer"),
        variant=text("variant"),
        batch=int(batch),
        dtype=text("dtype"),
        clock=clock,
    )


def _seconds(column: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"{column} {text!r} is no time; expected seconds above 0")
    return seconds
