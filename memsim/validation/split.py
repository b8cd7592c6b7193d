"""Which measured runs a model may be made by, and which only judge it.

A series is one network in one lowering at one size of its input. ``data/split.csv`` puts every
series of measured traffic either into ``dev``, which may be looked at as often as it helps, or into
``test``, whose measurements are compared with predictions once, when the model is frozen;
``data/split_times.csv`` does so with measured times. At a file's end stands a log of every look at
its test series; :func:`read_split` reads both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Literal, get_args

from memsim.errors import InputError, Problem, did_you_mean
from memsim.files import records

Side = Literal["dev", "test"]
"""What a series is for."""

SEEN = {
    "layers": "they had been compared layer by layer",
    "totals": "totals had been compared",
    "errors": "how far an earlier model was off was known as one number",
    "never": "nothing",
}
"""What may have been known of a series before the split was written."""

COLUMNS = ("network", "input", "lowering", "split")

LOOK = "# looked at:"
"""How a line of the log begins."""


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """One network as it was run, at all cache sizes.

    Attributes
    ----------
    network, lowering : str
    side : int
        Pixels of a side of the input, which has three channels.

    Examples
    --------
    >>> print(Series("resnet18", "fused", 112))
    resnet18 fused 112
    """

    network: str
    lowering: str
    side: int

    def __str__(self) -> str:
        return f"{self.network} {self.lowering} {self.side}"


@dataclass(frozen=True)
class Split:
    """The series of each side, and who looked at those that judge.

    Attributes
    ----------
    sides : dict of Series to str
        ``dev`` or ``test``.
    seen : dict of Series to str
        What was known of a series' measurements when it was put there, a key of :data:`SEEN`;
        a series that it lacks was not said anything of.
    log : tuple of str
        Date, what was looked at and why, a line for each time that measurements of test series
        were compared with predictions.
    """

    sides: dict[Series, Side]
    seen: dict[Series, str] = field(default_factory=dict)
    log: tuple[str, ...] = ()

    def series(self, side: Side) -> tuple[Series, ...]:
        """The series of one side, in the file's order."""
        return tuple(series for series, where in self.sides.items() if where == side)

    def networks(self, side: Side) -> frozenset[str]:
        """The networks that have a series on a side."""
        return frozenset(series.network for series in self.series(side))


@cache
def split(name: str = "split") -> Split:
    """A split that comes along: ``split`` of traffic, ``split_times`` of times."""
    file = resources.files("memsim.validation").joinpath("data", f"{name}.csv")
    return read_split(file.read_text("utf-8"), f"{name}.csv")


def read_split(text: str, file: str = "") -> Split:
    """Read a split.

    Parameters
    ----------
    text : str
        CSV with the columns ``network,input,lowering,split`` and perhaps ``seen``; lines that
        begin with ``#`` are comments, of which those that begin with ``# looked at:`` are the log.
    file : str
        What messages call it.

    Raises
    ------
    InputError
        For a missing column, a word that is none of its column's, an input that is no
        size, a series that stands there twice, and a network whose series are on both sides; all
        faults at once.

    Examples
    --------
    >>> found = read_split('''network,input,lowering,split
    ... resnet18,112,fused,dev
    ... vgg16,3x112x112,fused,test
    ... # looked at: 2026-11-28 all of test, the model is frozen
    ... ''')
    >>> [str(series) for series in found.series("test")], found.log
    (['vgg16 fused 112'], ('2026-11-28 all of test, the model is frozen',))
    """
    sides: dict[Series, Side] = {}
    seen: dict[Series, str] = {}
    problems: list[Problem] = []
    places: dict[str, tuple[str, int]] = {}
    for number, row in _table(text, file):
        try:
            series, side = _series(row), _side(row["split"])
            if known := row.get("seen", ""):
                seen[series] = _one_of("seen", known, SEEN)
        except ValueError as error:
            problems.append(Problem(str(error), file=file, line=number, column=1))
            continue
        where, first = places.setdefault(series.network, (side, number))
        if series in sides:
            problems.append(
                Problem(f"{series} stands there twice", file=file, line=number, column=1)
            )
        elif where != side:
            problems.append(
                Problem(
                    f"{series.network} is {side} here and {where} in line {first}: what was "
                    "learned from a network judges none of its series",
                    file=file, line=number, column=1,
                )
            )  # fmt: skip
        sides[series] = side
    if problems:
        raise InputError(*problems)
    return Split(sides, seen, tuple(_log(text)))


def side_of(text: str) -> int:
    """Pixels of a side of an input that is written as ``112`` or ``3x112x112``.

    Examples
    --------
    >>> side_of("112"), side_of("3x224x224")
    (112, 224)
    >>> side_of("3x112x224")
    Traceback (most recent call last):
    ValueError: input '3x112x224' is no square of three channels; expected such as 112 or 3x112x112
    """
    parts = text.strip().split("x")
    if len(parts) == 1:
        parts = ["3", *parts * 2]
    if len(parts) == 3 and parts[0] == "3" and parts[1] == parts[2] and parts[1].isdecimal():
        return int(parts[1])
    raise ValueError(
        f"input {text!r} is no square of three channels; expected such as 112 or 3x112x112"
    )


def _table(text: str, file: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows with the numbers of their lines."""
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    columns, rows = records(lines, file)
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        line = lines[0][0] if lines else 1
        raise InputError(
            *(
                Problem(f"missing column {name!r}", "", did_you_mean(name, columns), file, line, 1)
                for name in missing
            )
        )
    yield from zip((number for number, _ in lines[1:]), rows, strict=True)


def _series(row: dict[str, str]) -> Series:
    for name in ("network", "lowering"):
        if not row[name].strip():
            raise ValueError(f"{name} is empty")
    return Series(row["network"].strip(), row["lowering"].strip(), side_of(row["input"]))


def _side(text: str) -> Side:
    return "dev" if _one_of("split", text, get_args(Side)) == "dev" else "test"


def _one_of(column: str, text: str, words: Iterable[str]) -> str:
    known = list(words)
    if text.strip() in known:
        return text.strip()
    hint = did_you_mean(text, known)
    raise ValueError(f"{column} {text!r} is none of {', '.join(known)}{hint and f' ({hint})'}")


def _log(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith(LOOK):
            yield line.removeprefix(LOOK).strip()
