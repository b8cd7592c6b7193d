"""What is said of a cache under the microscope."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.readable import format_bytes, format_time
from memsim.results.moments.microscope import Microscope
from memsim.results.moments.residency import What
from memsim.results.sheets.accuracy import accuracy
from memsim.results.sheets.configuration import configuration
from memsim.sheets.sheet import Grid, Sheet

SAID = {
    What.FETCHED: "fetched from DRAM",
    What.MADE: "written by kernels",
    What.SPILLED: "evicted, written back",
    What.DROPPED: "evicted, DRAM has it",
    What.DEAD: "dead, leaves",
    What.STORED: "output, stored in DRAM",
}
"""What happens, in the words of the table."""

NAMES = {"lru": "LRU", "belady": "Belady"}
"""The policies, as they are written in a sentence."""


def microscope_sheet(seen: Microscope, layers: int | None = 10) -> Sheet:
    """Lay out what was seen; ``layers`` evictions and kernels that free something, None: all."""
    program, machine = seen.program, seen.result.machine
    facts = tuple(
        (label, text.replace(f", {machine.cache.policy}", ""))
        for label, text in configuration(program, machine)
    )
    facts += (("accuracy", accuracy(seen.result.accuracy, machine.name)),)
    return Sheet(
        title=f"{program.network.name} on {machine.name}: the cache under the microscope",
        facts=facts,
        grids=(_totals(seen), *(_evictions(seen, layers)), *_freed(seen, layers)),
        notes=(
            "A scratchpad drops what nobody reads again and does not write it back. Belady evicts "
            "what is needed last, which takes knowing the future; a block that is needed later "
            "than all that is held does not stay, and counts as evicted by its own tensor.",
            "A page that plays it: -o page.html; a film of it: -o film.gif; every task, and who "
            "needs again what is evicted: --format csv.",
        ),
    )


def _totals(seen: Microscope) -> Grid:
    """Everything that happens, policy by policy."""
    told = {policy: seen.totals(policy) for policy in seen.results}
    rows = [
        (said, *(format_bytes(each[f"{what.word}_bytes"]) for each in told.values()))
        for what, said in SAID.items()
    ]
    moved = (format_bytes(each["dram_bytes"]) for each in told.values())
    held = (format_bytes(each["peak_occupancy_bytes"]) for each in told.values())
    time = (format_time(result.time_ps) for result in seen.results.values())
    rows += [("held at most", *held), ("time", *time), ("DRAM traffic", *moved)]
    title = f"what happens in {program_tasks(seen)}"
    return Grid(title, ("", *(NAMES[policy] for policy in told)), tuple(rows), total=1)


def program_tasks(seen: Microscope) -> str:
    """``54 tasks``."""
    count = seen.program.tasks
    return f"{count:,} {'task' if count == 1 else 'tasks'}"


def _evictions(seen: Microscope, layers: int | None) -> Iterator[Grid]:
    """Who evicts whom under each policy."""
    for policy in seen.results:
        found = seen.evictions(policy)
        if not found:
            continue
        shown = found[:layers]
        title = f"{NAMES[policy]}: who is evicted by whom"
        if len(shown) < len(found):
            title += f", {len(shown)} of {len(found):,}, those of most bytes"
        rows = tuple(
            (
                row["tensor"],
                "itself" if row["by"] == row["tensor"] else row["by"],
                row["evicted_at"],
                format_bytes(row["bytes"]),
                format_bytes(row["spilled_bytes"]),
            )
            for row in shown
        )
        yield Grid(title, ("tensor", "by", "at", "bytes", "spilled"), rows)


def _freed(seen: Microscope, layers: int | None) -> Iterator[Grid]:
    """Which feature maps can leave when a kernel is done."""
    nbytes = {tensor.name: tensor.nbytes for tensor in seen.program.tensors}
    rows = [
        (
            kernel.name,
            f"{len(names)}",
            format_bytes(sum(nbytes[name] for name in names)),
            f"{names[0]}{', ' if len(names) == 2 else ' .. '}{names[-1]}",
        )
        for kernel in seen.program.kernels
        if len(names := seen.last_read_by(kernel.name)) > 1
    ]
    if rows:
        title, shown = "kernels after which several feature maps can leave", rows
        if layers is not None and len(rows) > layers:
            shown = rows[:layers]
            title += f", the first {layers} of {len(rows)}"
        yield Grid(title, ("kernel", "maps", "bytes", "never read again"), tuple(shown))
