"""What is said of an explanation."""

from __future__ import annotations

from collections.abc import Iterator

from memsim.explanations.explanation import Explanation
from memsim.explanations.question import UNNAMED
from memsim.explanations.refetched import Refetched
from memsim.explanations.trying import Item
from memsim.network.graph import Network
from memsim.readable import format_bytes, format_time
from memsim.results.details.figures import Saving
from memsim.results.sheets.accuracy import accuracies
from memsim.sheets.sheet import Grid, Sheet
from memsim.sheets.text import WIDTH

__all__ = ["explanation_sheet"]

TENSORS = 4
"""Tensors that are told of, of those that are fetched again."""


def explanation_sheet(explanation: Explanation, layers: int | None = 10) -> Sheet:
    """Lay out an explanation; ``layers`` items of the list of what to change."""
    result, tried = explanation.result, explanation.tried
    items = tried.items[:layers]
    more = [(f"{n}", item.alone.command) for n, item in enumerate(items, 1)]
    last = [item for item in items if item.after and item.kept]
    if len(last) > 1:
        assert last[-1].after is not None
        more.append(("all", last[-1].after.command))
    return Sheet(
        title=f"{result.network.name} on {result.machine.name}: why it moves what it moves",
        facts=tuple(_sentences(explanation)),
        grids=(_to_do(items),) if items else (),
        more=tuple(more),
        notes=tuple(_notes(explanation, items)),
    )


def _sentences(explanation: Explanation) -> Iterator[tuple[str, str]]:
    parts = explanation.by_part_and_cause
    weights, maps = (sum(parts[name].values()) for name in ("weights", "feature-maps"))
    figures = explanation.figures
    energy = "" if figures.energy_j is None else f" and {_energy(figures.energy_j)}"
    told = f"{format_bytes(figures.dram_bytes)} cross the DRAM interface in "
    told += f"{format_time(figures.time_ps)}{energy}: {format_bytes(weights)} of weights, "
    told += f"{format_bytes(maps)} of feature maps."
    yield "moves", told
    yield "", f"$ {explanation.command}"
    result = explanation.result
    yield from accuracies([(result.network.name, result.accuracy)], result.machine.name)
    yield "of it", _avoidable(explanation)
    yield from _again(explanation.fetched_again)
    yield from _next(explanation)


def _avoidable(explanation: Explanation) -> str:
    parts = explanation.by_part_and_cause
    weights, maps = parts["weights"], parts["feature-maps"]
    spare = weights["avoidable"] + maps["avoidable"]
    told = f"{format_bytes(weights['compulsory'] + maps['compulsory'])} are compulsory: weights "
    told += "and inputs once, outputs once. "
    if not spare:
        return f"{told}Nothing else moves: no larger cache saves anything."
    told += f"{format_bytes(spare)} are the cache's doing: "
    doing = []
    if weights["avoidable"]:
        doing.append(f"{format_bytes(weights['avoidable'])} of weights that come again")
    if maps["avoidable"]:
        moved = format_bytes(maps["avoidable"])
        doing.append(f"{moved} of feature maps that do not stay until their last reader")
    told += f"{', '.join(doing)}."
    if explanation.concat_bytes:
        told += f" Copies of concats are {format_bytes(explanation.concat_bytes)} of it."
    return told


def _again(found: tuple[Refetched, ...]) -> Iterator[tuple[str, str]]:
    label = "again"
    for each in found[:TENSORS]:
        yield label, _why(each)
        label = ""
    if others := found[TENSORS:]:
        count = f"{len(others)} other tensor{'' if len(others) == 1 else 's'}"
        spare = format_bytes(sum(each.avoidable_bytes for each in others))
        yield "", f"{count} likewise: {spare} (all of them: --format json)."


def _why(each: Refetched) -> str:
    """Why a tensor is fetched again, in one sentence."""
    size = format_bytes(each.nbytes)
    told = f"{each.tensor} ({size}): "
    if each.evicted_at:
        told += f"evicted at {each.evicted_at} by {_by(each)}"
    elif each.last_used_at == each.needed_at:
        told += f"read several times by {each.needed_at}"
    else:
        told += f"gone after {each.last_used_at}"
    if each.evicted_at or each.last_used_at != each.needed_at:
        told += f", needed at {each.needed_at}" if each.needed_at else ""
    if each.readers > 1:
        told += f" and {each.readers - 1} other{'' if each.readers == 2 else 's'}"
    written = f"{format_bytes(each.spilled_bytes)} written back, " if each.spilled_bytes else ""
    return f"{told}: {written}{format_bytes(each.reloaded_bytes)} fetched again."


def _by(each: Refetched) -> str:
    """What takes the place of a tensor."""
    if each.evicted_by == each.tensor:
        return "more of itself"
    return "its output" if each.evicted_by == each.evicted_at else each.evicted_by


def _next(explanation: Explanation) -> Iterator[tuple[str, str]]:
    found, base = explanation.next_size, explanation.figures
    if found is None:
        return
    saves = found.figures.less_than(base)
    told = f"The next useful cache is {found.cache_bytes:,} B, where {found.kept} stays: "
    told += f"{format_bytes(found.figures.dram_bytes)}, {format_bytes(saves.dram_bytes)} less"
    yield "cache", f"{told}, in {format_time(found.figures.time_ps)}."
    yield "", f"$ {found.figures.command}"


def _to_do(items: tuple[Item, ...]) -> Grid:
    scales = [
        _scale([item.saves.dram_bytes for item in items], BYTES),
        _scale([item.saves.time_ps for item in items], TIMES),
    ]
    joules = [item.saves.energy_j for item in items]
    if None not in joules:
        scales.append(_scale([each for each in joules if each is not None], JOULES))
    names = [unit for unit, _ in scales]
    columns = ("saves alone", *names, f"then {names[0]}", *names[1:], "of the")
    rows = []
    for number, item in enumerate(items, 1):
        adds = _cells(item.adds, scales) if item.adds else ["-"] * len(scales)
        saves = _cells(item.saves, scales)
        rows.append((f"{number} {item.change.what}", *saves, *adds, item.asks_for))
    room = WIDTH - sum(
        2 + max(map(len, cells)) for cells in list(zip(columns, *rows, strict=True))[1:]
    )
    rows = [(name if len(name) <= room else f"{name[: room - 1]}…", *row) for name, *row in rows]
    return Grid("what to change, and what it saves", columns, tuple(rows))


Scale = tuple[str, float]
"""A unit, and how many of the unit of a fact it is."""

BYTES: tuple[Scale, ...] = (("kB", 1e3), ("MB", 1e6), ("GB", 1e9))
TIMES: tuple[Scale, ...] = (("us", 1e6), ("ms", 1e9), ("s", 1e12))
JOULES: tuple[Scale, ...] = (("uJ", 1e-6), ("mJ", 1e-3), ("J", 1.0))


def _scale(amounts: list[float] | list[int], units: tuple[Scale, ...]) -> Scale:
    """The largest unit of which there is one at least; the first where there is none."""
    most = max((abs(each) for each in amounts), default=0)
    return max((unit for unit in units if unit[1] <= most), key=lambda u: u[1], default=units[0])


def _cells(saving: Saving, scales: list[Scale]) -> list[str]:
    amounts = (saving.dram_bytes, saving.time_ps, saving.energy_j or 0.0)
    texts = (f"{each / step:,.2f}" for each, (_, step) in zip(amounts, scales, strict=False))
    return ["0.00" if text == "-0.00" else text for text in texts]


def _energy(joules: float) -> str:
    return f"{joules * 1e3:,.3g} mJ"


def _notes(explanation: Explanation, items: tuple[Item, ...]) -> Iterator[str]:
    tried = explanation.tried
    told = "Each figure is that of a run, of the command with its number; none is an estimate. "
    told += "Ranked by the time that is saved alone; then: what a change saves after those above "
    told += "it that still save something, -: where one of those decides the same thing"
    if any(item.adds is None and item.instead_of is None for item in items):
        told += ", or the run was not made"
    yield f"{told}."
    if isinstance(explanation.question.source, Network):
        yield f"{UNNAMED} is what memsim.dump writes of the network."
    if any(item.asks_for == "network" for item in items):
        yield (
            "A change of the network is another network: it has to be trained again, and what it "
            "then answers is not known here."
        )
    if tried.idle:
        yield f"Saves nothing here: {', '.join(item.change.what for item in tried.idle)}."
    if tried.failed:
        yield "Not possible: " + "; ".join(f"{k} ({why})" for k, why in tried.failed.items()) + "."
    if tried.left:
        yield (
            f"The program is long: {tried.runs} runs were made, and {tried.left} changes were not "
            "tried."
        )
