"""What is said of policies and bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from memsim.program.parts import Part, compulsory
from memsim.readable import format_bytes, format_bytes_exact, format_time
from memsim.results.optimality import Optimality
from memsim.results.sheets.configuration import configuration
from memsim.results.sheets.run import joules_text
from memsim.sheets.sheet import Grid, Sheet


def optimality_sheet(optimality: Optimality, layers: int | None = 10) -> Sheet:
    """Lay out the policies and the bounds; ``layers`` convolutions, the heaviest first."""
    bound, how = optimality.lower_bytes
    only, parts = optimality.only, optimality.by_part
    shown = [] if only else list(Part)
    rows = [
        ("compulsory", *(format_bytes(sum(compulsory(optimality.program, p))) for p in shown),
         format_bytes(optimality.compulsory_bytes), ""),
        (f"lower bound ({how})", *("" for _ in shown), format_bytes(bound), ""),
        *(
            (policy, *(format_bytes(parts[policy][p]) for p in shown), format_bytes(moved),
             f"{moved / bound - 1:+.1%}" if bound else "-")
            for policy, moved in optimality.policies.items()
        ),
    ]  # fmt: skip
    columns = (
        "",
        *(part.words for part in shown),
        "total" if shown else "bytes",
        "above the bound",
    )
    title = "DRAM traffic" if only is None else f"DRAM traffic of {only.words}"
    program, machine = optimality.program, optimality.machine
    return Sheet(
        title=f"{program.network.name} on {machine.name}: how far from optimal",
        facts=configuration(program, machine),
        grids=(
            Grid(title, columns, tuple(rows)),
            *([_ladder(optimality)] if optimality.ladder.rungs else []),
            *([_convolutions(optimality, layers)] if optimality.convolutions else []),
        ),
        leading=2 if optimality.ladder.rungs else 1,
        more=tuple((rung.name, f"$ {rung.command}") for rung in optimality.ladder.rungs),
        notes=(
            "The lower bound holds for every policy at this cache and task order, reads and "
            "write-backs together. Belady's rule (farthest next use) is a heuristic with unequal "
            "blocks; pinned plans what stays before the run, and begins with Belady's choice.",
            *_of_the_ladder(optimality),
        ),
    )


def _ladder(optimality: Optimality) -> Grid:
    """What each rung moves, takes and needs, and below them what nothing can go below."""
    ladder = optimality.ladder
    lru = ladder["lru"].dram_bytes
    rows = []
    for rung in ladder.rungs:
        told = rung.figures
        more = "" if rung.name == "lru" or not lru else f"{told.dram_bytes / lru - 1:+.1%}"
        energy = "-" if told.energy_j is None else joules_text(told.energy_j)
        weights = format_bytes(told.dram_weight_bytes)
        maps = format_bytes(told.dram_bytes - told.dram_weight_bytes)
        moved = format_bytes(told.dram_bytes)
        rows.append((rung.name, weights, maps, moved, more, format_time(told.time_ps), energy))
    columns = ["", *(part.words for part in Part), "total", "to lru", "time", "energy"]
    hidden = set()
    if optimality.only is not None:
        hidden |= {1, 2}
    if not any(rung.figures.energy_j is not None for rung in ladder.rungs):
        hidden.add(6)
    floors = [
        ("this order, any policy", optimality.lower_bytes[0]),
        ("any program", optimality.program_bytes),
        ("compulsory", optimality.compulsory_bytes),
    ]
    for name, least in floors:
        more = f"{least / lru - 1:+.1%}" if lru else ""
        rows.append((name, "", "", format_bytes(least), more, "", ""))
    kept = [place for place in range(len(columns)) if place not in hidden]
    return Grid(
        "the ladder: how low it goes",
        tuple(columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
        total=len(floors),
    )


def _of_the_ladder(optimality: Optimality) -> Iterator[str]:
    """What the rungs are, and why one is missing."""
    ladder = optimality.ladder
    if not ladder.rungs:
        return
    yield (
        "The rungs layer order and depth first replace by lru; no bound of this order holds for "
        f"them, but that of any program does. {_of_any_program(optimality)}"
    )
    for name, why in ladder.without.items():
        yield f"No rung {name}: {why}."


def _of_any_program(optimality: Optimality) -> str:
    """What the bound on any program is, and why it is no higher."""
    if optimality.only is not None:
        return "Of one part of the traffic that is what is compulsory."
    found = optimality.any_program
    room = format_bytes_exact(found.beside_bytes + optimality.machine.cache_bytes)
    said = (
        f"With {room} on chip, cache and buffers, no order, tiling or fusion of layers moves less"
    )
    if optimality.program_bytes > optimality.compulsory_bytes:
        count = sum(group.layers for group in found.groups(optimality.machine.cache_bytes))
        return f"{said}: {count} convolutions cannot all move only what is compulsory."
    return f"{said}; more than what is compulsory, all once, is not proved there."


def _convolutions(optimality: Optimality, layers: int | None) -> Grid:
    heaviest = sorted(optimality.rows(), key=lambda row: -int(row["dram_bytes"]))
    listed = heaviest[:layers]
    title = f"the {len(listed)} heaviest of {len(heaviest)} convolutions"
    if optimality.only is not None:  # what one would move alone is of all of its data
        return Grid(
            title, ("layer", "moved"), tuple((row["layer"], next(_moved(row))) for row in listed)
        )
    return Grid(
        title,
        ("layer", "moved", "alone at least", "moved less, since"),
        tuple((row["layer"], *_moved(row), _why_less(row)) for row in listed),
    )


def _moved(row: dict[str, Any]) -> Iterator[str]:
    return (
        format_bytes(row[key]) if row[key] else "-" for key in ("dram_bytes", "communication_bytes")
    )


def _why_less(row: dict[str, Any]) -> str:
    """Why a convolution moves less than it would with all of its data in DRAM; empty else."""
    kept = row["kept_on_chip"]
    if row["dram_bytes"] >= row["communication_bytes"] or not kept:
        return ""
    stays = "stays" if len(kept.split()) == 1 and kept != "weights" else "stay"
    return f"{' and '.join(kept.split())} {stays} on chip"
