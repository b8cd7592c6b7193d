"""What is said of runs, and of comparisons, at several cache sizes: a row for each size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from memsim.program.parts import Part, compulsory
from memsim.readable import format_bytes, format_time
from memsim.results.comparison import Comparison
from memsim.results.run import Result
from memsim.results.sheets.accuracy import beside
from memsim.results.sheets.comparison import named_contenders
from memsim.results.sheets.configuration import shared_configuration
from memsim.sheets.several import Several, sections
from memsim.sheets.sheet import Grid, Sheet
from memsim.sheets.text import WIDTH

RUNS = f"{__name__}:runs_sheet"
RUNS_IN_FULL = f"{__name__}:runs_in_full"
COMPARISONS = f"{__name__}:comparisons_sheet"

SIZE = 9
"""Columns of the terminal that a cache size takes."""


def runs_sheet(several: Several, layers: int | None = None) -> Sheet:
    """Lay out runs of one network: what moves and how long it takes; no layers."""
    first, *_ = results = [_result(answer) for answer in several.answers]
    parts = [part for part in Part if first.only in (None, part)]
    whole = len(parts) > 1

    def cells(label: str, result: Result) -> Iterator[str]:
        yield label.removeprefix("cache ")
        for part in parts:
            yield _bytes(result.by_part[part])
        moved = sum(result.by_part[part] for part in parts)
        if whole:
            yield _bytes(moved)
        least = sum(sum(compulsory(result.program, part)) for part in parts)
        yield f"{moved / least:.2f}" if least else "-"
        yield format_time(result.time_ps)
        yield f"{result.totals['dram_utilization']:.0%}"

    rows = tuple(
        tuple(cells(*each)) for each in zip(several.labels, results, strict=True)
    )  # fmt: skip
    sums = ["total"] if whole else []
    columns = ("cache", *(part.words for part in parts), *sums, "x compulsory", "time", "DRAM busy")
    shapes = ", ".join("x".join(map(str, shape)) for shape in first.config["input_shapes"])
    network = first.network
    return Sheet(
        title=f"{network.name} ({shapes}, {network.dtype}) on {first.machine.name}, "
        f"{len(results)} cache sizes",
        facts=shared_configuration([(each.program, each.machine) for each in results], size=False),
        grids=(Grid("DRAM traffic and time", columns, rows),),
        notes=_times(results),
    )


def _times(results: list[Result]) -> tuple[str, ...]:
    """How far times may be off: in a word where that is one, else where it is told."""
    told = {beside(result.accuracy).strip() for result in results}
    if len(told) > 1:
        return ("How far off times may be is another thing at each size: ask for one.",)
    return tuple(f"Times {words}: ask for one size to know more." for words in told if words)


def runs_in_full(several: Several, layers: int | None = 10) -> Sheet:
    """The same, and below it what is said of each run alone."""
    return replace(runs_sheet(several), parts=tuple(sections(several, layers)))


def comparisons_sheet(several: Several, layers: int | None = None) -> Sheet:
    """Lay out comparisons: a table of traffic and one of times, a column for each network."""
    comparisons = [answer for answer in several.answers if isinstance(answer, Comparison)]
    names = [name for name, _ in named_contenders(comparisons[0])]
    first = comparisons[0].contenders[0].result
    of = "" if first.only is None else f" of {first.only.words}"
    sizes = [label.removeprefix("cache ") for label in several.labels]
    grids = []
    columns: dict[str, Callable[[Result], str]] = {
        f"DRAM traffic{of}": lambda result: _bytes(result.dram_bytes),
        "time": lambda result: format_time(result.time_ps),
    }
    for title, tell in columns.items():
        table = [[tell(each.result) for each in one.contenders] for one in comparisons]
        grids += list(_grids(title, names, sizes, table))
    return Sheet(
        title=f"{len(names)} network{'' if len(names) == 1 else 's'} on {first.machine.name}, "
        f"{len(sizes)} cache sizes",
        facts=shared_configuration(
            [
                (each.result.program, each.result.machine)
                for one in comparisons
                for each in one.contenders
            ],
            size=False,
        ),
        grids=tuple(grids),
        notes=("Shortcuts, lifetimes and causes: at one size, or in JSON and CSV.",),
        leading=len(grids),
    )


def _grids(
    title: str, names: list[str], sizes: list[str], table: list[list[str]]
) -> Iterator[Grid]:
    """A table in as many parts as it takes for networks to stand side by side."""
    begin = 0
    while begin < len(names):
        end, room = begin, WIDTH - SIZE
        while end < len(names) and (end == begin or room > len(names[end]) + 2):
            room -= max(len(names[end]), SIZE) + 2
            end += 1
        rows = tuple(
            (size, *cells[begin:end]) for size, cells in zip(sizes, table, strict=True)
        )  # fmt: skip
        yield Grid(title, ("cache", *names[begin:end]), rows)
        begin = end


def _result(answer: Any) -> Result:
    """A run, or that of a breakdown."""
    result: Result = getattr(answer, "result", answer)
    return result


def _bytes(amount: int) -> str:
    return format_bytes(amount) if amount else "-"
