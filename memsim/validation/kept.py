"""Checks as they were when they were last made in full, which takes ten minutes of one core.

Most of the report is fits to hundreds of kernels, and caches that are followed line by line. What
a check said lies in ``data/kept.jsonl``; ``benchmarks/keep_checks.py`` makes it, and a test before
a release makes every check anew and holds it against the file. A kept check is told only

- while everything it rests on that is data lies as it lay then: measurements, machines, networks
  and the code that judges (a digest tells);
- and while probes that are made anew come out the same: a small network in each mode on each kind
  of machine that traffic is asked of, and one whole fit. A model that was changed is seen there,
  and then everything is made anew. What no probe touches, the test before a release does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from math import isclose
from pathlib import Path
from typing import Any

from memsim.formats.shipped import shipped
from memsim.validation.check import Check, CheckRow, Claim, Kernels
from memsim.validation.published_times import jetson_nano
from memsim.validation.split import Series
from memsim.validation.traffic.measured import measured
from memsim.validation.traffic.series import QUESTIONS, compared, predicted

FILE = "kept.jsonl"

ROOMS = {
    "validation": (".py", ".csv"),
    "calibration": (".csv", ".yaml"),
    "machine": (".csv", ".yaml"),
    "paper": (".csv",),
}
"""Whose files the digest is of, by their endings."""

SAME = 1e-6
"""How far apart two predictions may be, relatively, to count as one: solvers differ in the last
digits from one computer to the next."""

Rows = tuple[str, Sequence[CheckRow]]
"""The name of a check and some of its rows."""


@dataclass(frozen=True)
class Kept:
    """What was kept.

    Attributes
    ----------
    version : str
        Of memsim.
    state : str
        The digest of what the checks rest on.
    checks : dict of str to Check
    """

    version: str
    state: str
    checks: Mapping[str, Check]


@cache
def kept() -> Kept:
    """The checks that come along."""
    return read_kept(resources.files("memsim.validation").joinpath("data", FILE).read_text("utf-8"))


def read_kept(text: str) -> Kept:
    """Read what :func:`kept_text` wrote."""
    head, *lines = map(json.loads, text.splitlines())
    checks = [_check(line) for line in lines]
    return Kept(head["version"], head["state"], {check.name: check for check in checks})


def kept_text(version: str, state: str, checks: Iterable[Check]) -> str:
    """The text of the file: a line that says what it is, and a line per check.

    Examples
    --------
    >>> check = Check("x", "X", "ms", "in", (), (CheckRow("a", 2.0, 1.5, low=1.0, high=3.0),))
    >>> read_kept(kept_text("1.0", "beef", [check])) == Kept("1.0", "beef", {"x": check})
    True
    """
    head = {"version": version, "state": state}
    lines = (json.dumps(each, ensure_ascii=False) for each in (head, *map(_line, checks)))
    return "".join(f"{line}\n" for line in lines)


def _line(check: Check) -> dict[str, Any]:
    """The plain values of a check's fields; rows are lists without what they lack at their end."""
    line = {**asdict(check), "rows": [*map(_cells, check.rows)]}
    if check.kernels is not None:
        line["kernels"]["rows"] = [*map(_cells, check.kernels.rows)]
    return line


def _cells(row: CheckRow) -> list[Any]:
    cells = list(asdict(row).values())
    while cells[-1] is None:
        cells.pop()
    return cells


def _check(line: dict[str, Any]) -> Check:
    """A check from what :func:`_line` made of it."""
    kernels = line["kernels"]
    return Check(
        **{
            **line,
            "facts": tuple(map(tuple, line["facts"])),
            "rows": _rows(line["rows"]),
            "claims": tuple(Claim(**each) for each in line["claims"]),
            **{name: tuple(line[name]) for name in ("chosen", "notes", "omitted")},
            "kernels": kernels and Kernels(**{**kernels, "rows": _rows(kernels["rows"])}),
        }
    )


def _rows(rows: Iterable[list[Any]]) -> tuple[CheckRow, ...]:
    return tuple(CheckRow(*row) for row in rows)


def state() -> str:
    """The digest of the files that the checks rest on.

    Examples
    --------
    >>> len(state())
    64
    """
    package = Path(__file__).parents[1]
    files = {
        f"{room}/{file.relative_to(package / room).as_posix()}": file
        for room, endings in ROOMS.items()
        for file in (package / room).rglob("*")
        if file.suffix in endings
    }
    files |= {f"architectures/{name}": file for name, file in shipped().items()}
    found = hashlib.sha256()
    for name in sorted(files):
        content = files[name].read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{name} {len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()


def still_true(names: Iterable[str], known: Kept | None = None) -> dict[str, Check]:
    """Those of some checks that were kept, if they would come out the same today; else none.

    Parameters
    ----------
    names : iterable of str
    known : Kept, optional
        What comes along.
    """
    known = known or kept()
    told = {name: known.checks[name] for name in names if name in known.checks}
    if not told or known.state != state():
        return {}
    wanted = dict.fromkeys(probe for name in told for probe in _probes_of(name))
    for probe in wanted:
        for name, rows in probe():
            if not _same(rows, known.checks[name].rows):
                return {}
    return told


def _same(made: Sequence[CheckRow], known: Sequence[CheckRow]) -> bool:
    """Whether rows that were made anew are among those that were kept."""
    there = {row.name: asdict(row) for row in known}
    return bool(made) and all(_alike(asdict(row), there.get(row.name, {})) for row in made)


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        isclose(value, other[name], rel_tol=SAME)
        if isinstance(value, float) and isinstance(other[name], float)
        else value == other[name]
        for name, value in one.items()
    )


SMALL = {mode: Series("squeezenet1_0", mode, 112) for mode in ("fused", "eager")}
"""The series that take least."""


def _fits() -> Iterator[Rows]:
    """A whole fit: of the times that are fewest."""
    yield "jetson_nano", jetson_nano().rows


def _traffic(subject: str, modes: Sequence[str]) -> Callable[[], Iterator[Rows]]:
    def probe() -> Iterator[Rows]:
        for question in QUESTIONS:
            here = [SMALL[mode] for mode in modes if mode in question.lowerings]
            if question.subject == subject and here:
                runs = {series: measured("dev")[series] for series in here}
                said = {series: predicted(subject, series) for series in here}
                yield f"dev_{question.key}", compared(question, "dev", runs, said).rows

    return probe


FITS = _fits
LIBRARY = _traffic("library", ("fused", "eager"))
OTHERS = {
    "dev_generic": _traffic("generic", ("fused",)),
    "dev_ideal": _traffic("ideal", ("fused",)),
}


def _probes_of(name: str) -> tuple[Callable[[], Iterator[Rows]], ...]:
    """What tells whether a check is still true."""
    if name in OTHERS:
        return (OTHERS[name],)
    if name.startswith("dev_"):
        return (LIBRARY,)
    return (FITS, LIBRARY) if name.startswith(("zen3", "xeon")) else (FITS,)
