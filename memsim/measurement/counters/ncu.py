"""DRAM bytes of GPU kernels, as NVIDIA Nsight Compute counts them.

``ncu --csv`` writes a table in one of two forms, after lines that begin with ``==``: the page
*details* has a row per metric (``Metric Name``, ``Metric Unit``, ``Metric Value``), the page *raw*
a row per kernel, a column per metric, and the units in the row below the header. Units are
decimal: a Mbyte is 10^6 bytes. With ``--nvtx`` a column tells the ranges that a kernel was
launched in: where each kernel of a lowering runs in a range of its name, the bytes per range are
those of our kernels, however many functions the library launches for one.

References
----------
NVIDIA, *Nsight Compute CLI*, sections "Command Line Options" and "NVTX Filtering".
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from memsim.errors import InputError, Problem
from memsim.files import cells

READ, WRITE, TIME = "dram__bytes_read.sum", "dram__bytes_write.sum", "gpu__time_duration.sum"
METRICS = (READ, WRITE, TIME)
"""What is asked of ncu, and read from its files; the time may be left out."""

ENVIRONMENT = {"LC_ALL": "C"}
"""What ncu is to be run with: it groups digits as the locale does, here by commas."""

_BYTES = {"byte": 1, "Kbyte": 10**3, "Mbyte": 10**6, "Gbyte": 10**9, "Tbyte": 10**12}
_SECONDS = {
    "second": Fraction(1), "msecond": Fraction(1, 10**3), "usecond": Fraction(1, 10**6),
    "nsecond": Fraction(1, 10**9), "s": Fraction(1), "ms": Fraction(1, 10**3),
    "us": Fraction(1, 10**6), "ns": Fraction(1, 10**9),
}  # fmt: skip

_NUMBER = re.compile(
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,20})(?:\.[0-9]{1,20})?(?:e[+-]?[0-9]{1,2})?"
)
_PUSH_POP = "Push/Pop_Range"
_AFTER_RANGE = 6
"""Fields of a range after its name: payload type and value, colours, message type and message."""

_LOCALE = "run ncu under LC_ALL=C"
_COMMAND = f"ncu --csv --page raw --metrics {','.join(METRICS)}"


@dataclass(frozen=True, slots=True)
class NcuKernel:
    """One launch of a kernel.

    Attributes
    ----------
    name : str
        Of the function.
    range : str
        The innermost NVTX range it was launched in; empty outside all. Where the file does not
        tell ranges, the name: ``--print-nvtx-rename kernel`` makes one the other.
    read_bytes, write_bytes : int
        Between the GPU and its DRAM.
    time_s : float or None
        Seconds on the GPU, if they were asked for.
    """

    name: str
    range: str
    read_bytes: int
    write_bytes: int
    time_s: float | None


def ncu_command(
    python_args: Sequence[str], log: str | os.PathLike[str], ncu: str = "ncu"
) -> list[str]:
    """The command line that runs Python under ncu; see :data:`ENVIRONMENT`, too.

    Parameters
    ----------
    python_args : sequence of str
        What follows ``python``. The process calls ``cudaProfilerStart`` when counting is to begin
        and ``cudaProfilerStop`` when it is to end.
    log : path
        Where the table goes: standard output is the process's own.
    ncu : str
        The program.

    Notes
    -----
    Caches are left as the kernel before left them, as in a run without ncu, and the clock is left
    to the GPU: by default ncu empties the former and fixes the latter. Three metrics take one
    pass, so that no kernel runs twice and finds the caches as its own first run left them.

    Examples
    --------
    >>> command = ncu_command(["-m", "memsim", "measure", "vgg16"], "vgg16.csv")
    >>> command[0], command[-4:]
    ('ncu', ['-m', 'memsim', 'measure', 'vgg16'])
    """
    return [
        ncu, "--csv", "--page", "raw", "--print-units", "base", "--metrics", ",".join(METRICS),
        "--nvtx", "--profile-from-start", "off", "--target-processes", "all",
        "--cache-control", "none", "--clock-control", "none", "--log-file", os.fspath(log),
        sys.executable, *python_args,
    ]  # fmt: skip


def read_ncu(path: str | os.PathLike[str]) -> tuple[NcuKernel, ...]:
    """Read a file that ``ncu --csv`` has written, of page *details* or *raw*.

    Parameters
    ----------
    path : path
        Standard output of ncu, or its ``--log-file``.

    Returns
    -------
    tuple of NcuKernel
        In the order of the launches.

    Raises
    ------
    InputError
        If the file cannot be read or ncu was not allowed to count; without a table, a kernel or
        one of the metrics; for a value that is none, all of them at once.
    """
    file = os.fspath(path)
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(Problem(f"cannot be read: {reason}", file=file)) from None
    table = _Table(lines, file)
    kernels = list(table.kernels())
    if table.problems:
        raise InputError(*table.problems)
    return tuple(kernels)


def bytes_per_range(kernels: Iterable[NcuKernel]) -> dict[str, tuple[int, int]]:
    """Bytes read and written per range, in the order in which they were first launched in.

    Examples
    --------
    >>> bytes_per_range([NcuKernel("f", "conv1", 5, 2, None), NcuKernel("g", "conv1", 1, 0, None)])
    {'conv1': (6, 2)}
    """
    sums: dict[str, tuple[int, int]] = {}
    for kernel in kernels:
        read, write = sums.get(kernel.range, (0, 0))
        sums[kernel.range] = (read + kernel.read_bytes, write + kernel.write_bytes)
    return sums


@dataclass(slots=True)
class _Launch:
    """What the file says of one launch: texts and units by metric, and where it does."""

    line: int
    name: str
    range: str
    values: dict[str, tuple[str, str, int]]


class _Table:
    """The table inside a file, and what is wrong with it."""

    def __init__(self, lines: list[str], file: str) -> None:
        self.file, self.problems = file, list[Problem]()
        refused = _refusal(lines)
        start = next((i for i, line in enumerate(lines) if line.startswith(('"ID",', "ID,"))), None)
        if refused or start is None:
            message, hint = refused or ("has no table of ncu", f"such as of {_COMMAND}")
            raise InputError(Problem(message, "", hint, file))
        self.columns = cells(lines[start], file, start + 1)
        # What the program itself prints stands between the rows of standard output.
        quoted = lines[start].startswith('"')
        self.lines = [
            (number, cells(line, file, number))
            for number, line in enumerate(lines[start + 1 :], start + 2)
            if line.strip() and not line.startswith("==") and line.startswith('"') >= quoted
        ]

    def fault(self, message: str, line: int = 0, hint: str = "") -> None:
        self.problems.append(Problem(message, "", hint, self.file, line, 1 if line else 0))

    def kernels(self) -> Iterator[NcuKernel]:
        launches = list(self._details() if "Metric Name" in self.columns else self._raw())
        if self.problems:
            return
        if not launches:
            self.fault("has no kernels", hint="did the program launch any?")
            return
        known = {metric for launch in launches for metric in launch.values}
        for metric in (READ, WRITE):
            if metric not in known:
                self.fault(f"lacks the metric {metric}", hint=_COMMAND)
        if self.problems:
            return
        for launch in launches:
            read, write = self._count(launch, READ), self._count(launch, WRITE)
            yield NcuKernel(launch.name, launch.range, read, write, self._seconds(launch))

    def _rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        for number, row in self.lines:
            if len(row) != len(self.columns):
                message = f"has {len(row)} columns; expected {len(self.columns)}"
                self.fault(message, number, "was the file cut?")
            else:
                yield number, dict(zip(self.columns, row, strict=True))

    def _details(self) -> Iterator[_Launch]:
        """A row per metric; those of a launch share an ID."""
        launches: dict[tuple[str, ...], _Launch] = {}
        for number, row in self._rows():
            place = (row["ID"], row.get("Process ID", ""))
            launch = launches.setdefault(place, self._launch(number, row))
            value = (row.get("Metric Value", ""), row.get("Metric Unit", ""), number)
            launch.values[row["Metric Name"]] = value
        yield from launches.values()

    def _raw(self) -> Iterator[_Launch]:
        """A row per launch; the first row, without an ID, has the units."""
        units: dict[str, str] = {}
        for number, row in self._rows():
            if not row["ID"]:
                units = row
                continue
            launch = self._launch(number, row)
            for metric in METRICS:
                if metric in row:
                    launch.values[metric] = (row[metric], units.get(metric, ""), number)
            yield launch

    def _launch(self, number: int, row: Mapping[str, str]) -> _Launch:
        name = row.get("Kernel Name", "")
        column = next((column for column in self.columns if _PUSH_POP in column), None)
        return _Launch(number, name, name if column is None else _innermost(row[column]), {})

    def _count(self, launch: _Launch, metric: str) -> int:
        value = self._value(launch, metric, _BYTES)
        if value is None:
            return 0
        text, unit, number = launch.values[metric]
        if unit == "byte" and value.denominator != 1:
            self.fault(f"{metric} {text!r} is no whole number of bytes", number, _LOCALE)
        return round(value)

    def _seconds(self, launch: _Launch) -> float | None:
        if launch.values.get(TIME, ("n/a",))[0] in ("", "n/a"):
            return None
        value = self._value(launch, TIME, _SECONDS)
        return None if value is None else float(value)

    def _value(
        self, launch: _Launch, metric: str, units: Mapping[str, int] | Mapping[str, Fraction]
    ) -> Fraction | None:
        """A value in bytes or seconds; None, and a problem, where there is none."""
        if metric not in launch.values:
            self.fault(f"kernel {launch.name!r} lacks the metric {metric}", launch.line, _COMMAND)
            return None
        text, unit, number = launch.values[metric]
        if text in ("", "n/a"):
            self.fault(f"{metric} is not available", number, "this GPU does not count it")
        elif not _NUMBER.fullmatch(text):
            self.fault(f"{metric} {text!r} is no number", number, _LOCALE)
        elif unit not in units:
            self.fault(f"{metric} has unknown unit {unit!r}", number, f"known: {', '.join(units)}")
        else:
            return Fraction(text.replace(",", "")) * units[unit]
        return None


def _innermost(cell: str) -> str:
    """The last range of a cell such as ``7  "<default domain>:conv1:none:none:..."``.

    Examples
    --------
    >>> _innermost('7  "<default domain>:block1.2.conv:none:none:none:none:none:none" ')
    'block1.2.conv'
    """
    quoted = re.findall(r'"([^"]*)"', cell)
    if not quoted:
        return ""
    _, _, rest = quoted[-1].partition(":")
    return str(rest.rsplit(":", _AFTER_RANGE)[0])


def _refusal(lines: list[str]) -> tuple[str, str] | None:
    """Why ncu says that it has counted nothing, and what helps."""
    messages = [line for line in lines if line.startswith(("==ERROR==", "==WARNING=="))]
    if any("ERR_NVGPUCTRPERM" in line for line in messages):
        return (
            "ncu was not allowed to read the GPU's counters (ERR_NVGPUCTRPERM)",
            "run it as root, or load the nvidia module with "
            "NVreg_RestrictProfilingToAdminUsers=0; a container needs --cap-add=SYS_ADMIN",
        )
    for line in messages:
        if line.startswith("==ERROR=="):
            return f"ncu failed: {line.removeprefix('==ERROR==').strip()}", ""
    if any("No kernels were profiled" in line for line in messages):
        return "ncu has profiled no kernels", "did the program run on the GPU?"
    return None
