"""Predictions of test series as they were when the model was frozen.

Measurements that are only to judge are compared once. So what is compared with them is not
predicted anew each time, it is kept: ``data/frozen.csv`` holds what each subject said, and with
which version. It is empty until a model is frozen; ``benchmarks/freeze.py`` fills it, and looks at
no measurement to do so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from memsim.files import read_table
from memsim.validation.split import Series, side_of
from memsim.validation.traffic.measured import Moved

COLUMNS = (
    "subject", "network", "lowering", "input", "cache_kib",
    "read", "write_allocate", "writeback", "low", "high",
)  # fmt: skip

SIZES = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
"""KiB at which predictions are kept."""


@dataclass(frozen=True)
class Frozen:
    """What was kept.

    Attributes
    ----------
    facts : dict of str to str
        When and by which version; empty where no model has been frozen.
    said : dict of (str, Series) to dict of int to Moved
        By subject and series: bytes by KiB.
    """

    facts: Mapping[str, str]
    said: Mapping[tuple[str, Series], Mapping[int, Moved]]


@cache
def frozen() -> Frozen:
    """The predictions that come along."""
    file = resources.files("memsim.validation").joinpath("data", "frozen.csv")
    return read_frozen(file.read_text("utf-8"), read_table("memsim.validation", "frozen"))


def read_frozen(text: str, rows: Iterable[Mapping[str, str]]) -> Frozen:
    """Read kept predictions: the facts of the text's first lines, and the rows of its table."""
    facts = {}
    for line in text.splitlines():
        key, colon, value = line.removeprefix("#").partition(":")
        if line.startswith("#") and colon:
            facts[key.strip()] = value.strip()
    said: dict[tuple[str, Series], dict[int, Moved]] = {}
    for row in rows:
        series = Series(row["network"], row["lowering"], side_of(row["input"]))
        low, high = (float(row[name]) if row[name] else None for name in ("low", "high"))
        moved = Moved(
            float(row["read"]), float(row["write_allocate"]), float(row["writeback"]), low, high
        )
        said.setdefault((row["subject"], series), {})[int(row["cache_kib"])] = moved
    return Frozen(facts, said)


def frozen_text(facts: Mapping[str, str], rows: Iterable[tuple[str, Series, int, Moved]]) -> str:
    """The text of the file: facts, a header, and a row per subject, series and size.

    Examples
    --------
    >>> series = Series("resnet18", "fused", 112)
    >>> print(frozen_text({"frozen": "a day"}, [("ideal", series, 256, Moved(2.0, 0.0, 1.0))]))
    # frozen: a day
    subject,network,lowering,input,cache_kib,read,write_allocate,writeback,low,high
    ideal,resnet18,fused,112,256,2,0,1,,
    <BLANKLINE>
    """
    lines = [*(f"# {key}: {value}" for key, value in facts.items()), ",".join(COLUMNS)]
    for subject, series, kib, moved in rows:
        numbers = (moved.read, moved.write_allocate, moved.writeback, moved.low, moved.high)
        cells = ("" if number is None else f"{number:.0f}" for number in numbers)
        lines.append(
            ",".join((subject, series.network, series.lowering, str(series.side), str(kib), *cells))
        )
    return "\n".join(lines) + "\n"
