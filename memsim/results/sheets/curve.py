"""What is said of a network at every cache size."""

from __future__ import annotations

from dataclasses import replace

from memsim.engines.curve.grouping import SMALLEST
from memsim.engines.curve.knees import Knee
from memsim.program.parts import Part, compulsory
from memsim.readable import format_bytes, format_bytes_exact, format_time
from memsim.results.curve import CurveResult
from memsim.results.sheets.accuracy import accuracies, beside
from memsim.results.sheets.configuration import configuration
from memsim.sheets.sheet import Grid, Sheet

GROUPINGS = (
    "Groupings: layer by layer, the groups by each pattern, and cuts of the list of kernels for "
    "some cache sizes. Traffic is that of LRU replacement, exact at every size; memsim run with "
    "--groups auto names the groups at one."
)


def curve_sheet(result: CurveResult, layers: int | None = None) -> Sheet:
    """Lay out a curve: its ends, its knees, and the chosen sizes."""
    program, whole = result.program, result.steps
    network = program.network
    shapes = ", ".join("x".join(map(str, network[name].output.shape)) for name in network.inputs)
    least = result.compulsory_bytes
    enough = result.smallest(least)
    if result.grouped:
        program = replace(program, options={**program.options, "schedule": "depth_first"})
    elif len(result.programs) > 1:
        options = {**program.options, "order": "best", "best": " or ".join(result.programs)}
        program = replace(program, options=options)
    facts = (
        *configuration(program, result.machine, size=False),
        _where(result),
        (
            "smallest" if result.sampled else "no cache",
            f"{format_bytes(int(whole.dram_bytes[0]))}{_parts(result, 0)}",
        ),
        (
            "compulsory",
            f"{format_bytes(least)}{_compulsory_parts(result)}"
            + (f", from a cache of {format_bytes_exact(enough)} on" if enough is not None else ""),
        ),
    )
    if result.bounded:
        facts += (("any program", _of_any_program(result)),)
    if result.points:
        known = [
            (format_bytes(size), result.accuracy(size))
            for size in dict.fromkeys(result.cache_bytes)
        ]
        facts += accuracies(known, result.machine.name)
    if result.grouped:
        grids = [_groupings(result)]
    else:
        grids = [_knees(result.knees())] if len(result.programs) == 1 else [_orders(result)]
    if result.points:
        grids.append(_points(result))
    return Sheet(
        title=f"{network.name} ({shapes}, {network.dtype}) at every cache size",
        facts=facts,
        grids=tuple(grids),
        notes=(GROUPINGS,)
        if result.grouped
        else (
            "Knees: the narrowest ranges of cache sizes over which traffic drops most, and what "
            "no longer moves. Traffic is that of LRU replacement, "
            + ("exact at the sizes looked at." if result.sampled else "exact at every size."),
        ),
    )


def _where(result: CurveResult) -> tuple[str, str]:
    """At which sizes the traffic is known."""
    if result.sampled:
        ends = " to ".join(format_bytes_exact(result.sampled[end]) for end in (0, -1))
        return "exact", f"at {len(result.sampled)} sizes, {ends}: sets have no pass for all sizes"
    steps, accesses = len(result.steps.cache_bytes), result.program.accesses
    return "exact", f"{steps:,} steps from {accesses:,} block accesses"


def _of_any_program(result: CurveResult) -> str:
    """What no program goes below, where that is more than what is compulsory."""
    known = result.any_program
    room = format_bytes(known.beside_bytes)
    (_, first), (last, _) = known.steps[0], known.steps[-1]
    if first == known.compulsory_bytes:
        return f"nothing above compulsory is proved, since {room} lie beside the cache"
    more = f"{first / known.compulsory_bytes - 1:.2%}"
    return (
        f"moves {format_bytes(first)} at least with no cache and {room} beside it, {more} above "
        f"compulsory; that alone is proved from {format_bytes_exact(last)} on"
    )


def _compulsory_parts(result: CurveResult) -> str:
    """What no cache saves, which a cache of sets moves more than at every size."""
    if not result.sampled or result.only is not None:
        return _parts(result, -1)
    weights, maps = (
        format_bytes(sum(compulsory(result.program, part)))
        for part in (Part.WEIGHTS, Part.FEATURE_MAPS)
    )
    return f": {weights} of weights, {maps} of feature maps"


def _parts(result: CurveResult, step: int) -> str:
    """What the bytes of a step are: one part, or how they are shared."""
    if result.only is not None:
        return f" of {result.only.words}"
    weights, maps = (
        format_bytes(int(column[step]))
        for column in (result.steps.weight_bytes, result.steps.map_bytes)
    )
    return f": {weights} of weights, {maps} of feature maps"


def _knees(knees: tuple[Knee, ...]) -> Grid:
    rows = []
    for knee in knees:
        for number, share in enumerate(knee.shares[:3]):
            head = (
                (format_bytes_exact(knee.cache_bytes), format_bytes(knee.dram_bytes),
                 format_bytes(knee.saved_bytes))
                if number == 0
                else ("", "", "")
            )  # fmt: skip
            rows.append((*head, share.saves, format_bytes(share.nbytes), share.tensor))
    columns = ("cache from", "traffic", "saves", "of it", "", "tensor")
    return Grid("knees", columns, tuple(rows))


def _orders(result: CurveResult) -> Grid:
    winners = result.envelope.winners
    edges = [*(size for size, _ in winners[1:]), None]
    rows = [
        (order, format_bytes_exact(size), "" if end is None else format_bytes_exact(end - 1))
        for (size, order), end in zip(winners, edges, strict=True)
    ]
    return Grid("the best task order", ("order", "from a cache of", "to"), tuple(rows))


def _groupings(result: CurveResult) -> Grid:
    """At powers of two the least of all groupings, beside layer by layer."""
    last = int(result.steps.cache_bytes[-1])
    sizes = [SMALLEST << n for n in range(64) if SMALLEST << n < 2 * max(last, SMALLEST)]
    rows = [
        (
            format_bytes_exact(size),
            format_bytes(result.apart.dram_bytes(size)),
            format_bytes(result.dram_bytes(size)),
            result.envelope.winner(size),
        )
        for size in sizes
    ]
    title = f"the least of {len(result.programs)} groupings"
    return Grid(title, ("cache", "layer by layer", "auto", "groups"), tuple(rows))


def _points(result: CurveResult) -> Grid:
    least = result.compulsory_bytes
    rows = [
        (
            format_bytes_exact(point.cache_bytes),
            *(
                [
                    format_bytes(point.dram_weight_bytes),
                    format_bytes(point.dram_bytes - point.dram_weight_bytes),
                ]
                if result.only is None
                else []
            ),
            format_bytes(point.dram_bytes),
            f"{point.dram_bytes / least:.2f}" if least else "-",
            format_time(point.time_ps) + beside(result.accuracy(point.cache_bytes)),
        )
        for point in result.points
    ]
    moved = ["weights", "feature maps", "total"] if result.only is None else [result.only.words]
    columns = ("cache", *moved, "x compulsory", "time")
    return Grid("chosen sizes", columns, tuple(rows))
