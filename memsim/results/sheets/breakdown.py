"""What is said of a run by groups of layers, by tensors, and by the tree of its modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memsim.program.parts import Part
from memsim.readable import format_bytes, format_count, format_time
from memsim.results.details.breakdown import Grouped, Tensors, Watched
from memsim.results.details.groups import Group
from memsim.results.details.tensors import TensorResult
from memsim.results.sheets.run import result_sheet
from memsim.sheets.sheet import Grid, Sheet

HIDDEN: dict[Part | None, tuple[str, ...]] = {
    None: (),
    Part.WEIGHTS: ("maps",),
    Part.FEATURE_MAPS: ("weights",),
}
"""Columns of groups that are empty where one part of the traffic alone is told."""


def grouped_sheet(grouped: Grouped, layers: int | None = None) -> Sheet:
    """Lay out a run by groups of layers; ``layers`` limits the rows to the heaviest, None: all."""
    groups = grouped.groups
    kept = _heaviest(groups, layers)
    others = [group for group in groups if group not in kept]
    rows = [(group.name, *_group([group]), group.bound) for group in kept]
    if others:
        rows.append((f"{len(others)} others", *_group(others), ""))
    rows.append(("total", *_group(groups), ""))
    what = f"{grouped.by}s" if isinstance(grouped.by, str) else f"groups of {grouped.by} parts"
    title = (
        f"the {len(kept)} heaviest of {len(groups)} {what}" if others else f"{len(groups)} {what}"
    )
    name = grouped.by if isinstance(grouped.by, str) else "group"
    columns = (name, "layers", "params", "MACs", "weights", "maps", "time", "bound")
    hidden = HIDDEN[grouped.result.only]
    places = [place for place, column in enumerate(columns) if column not in hidden]
    grid = Grid(
        title,
        tuple(columns[place] for place in places),
        tuple(tuple(row[place] for place in places) for row in rows),
        total=2 if others else 1,
    )
    return _instead(result_sheet(grouped.result, 0), grid)


def _group(groups: Sequence[Group]) -> tuple[str, ...]:
    weights = sum(group.dram_weight_bytes for group in groups)
    return (
        str(sum(len(group.layers) for group in groups)),
        _count(sum(group.params for group in groups)),
        _count(sum(group.macs for group in groups)),
        _bytes(weights),
        _bytes(sum(group.dram_bytes for group in groups) - weights),
        format_time(sum(group.time_ps for group in groups)),
    )


def tensors_sheet(tensors: Tensors, layers: int | None = 10) -> Sheet:
    """Lay out a run by tensors, the heaviest first; ``layers`` limits the rows, None: all.

    ``kernels`` are the first and the last that access it, by their places among all.
    """
    every = tensors.result.tensors
    heaviest = sorted(every, key=lambda tensor: -tensor.dram_bytes)
    kept, others = heaviest[:layers], heaviest[layers:] if layers is not None else []
    place = {kernel.name: n for n, kernel in enumerate(tensors.result.program.kernels, 1)}
    rows = [
        (
            each.name,
            each.kind,
            *_tensor([each]),
            f"{place[each.first_kernel]}-{place[each.last_kernel]}",
        )
        for each in kept
    ]
    if others:
        rows.append((f"{len(others)} others", "", *_tensor(others), ""))
    rows.append(("total", "", *_tensor(every), ""))
    title = f"{len(every)} tensors, the heaviest first"
    if others:
        title = f"the {len(kept)} heaviest of {len(every)} tensors"
    columns = ("tensor", "kind", "bytes", "DRAM", "spilled", "again", "kernels")
    grid = Grid(title, columns, tuple(rows), total=2 if others else 1)
    return _instead(result_sheet(tensors.result, 0), grid)


def _tensor(tensors: Sequence[TensorResult]) -> tuple[str, ...]:
    return (
        _bytes(sum(tensor.nbytes for tensor in tensors)),
        _bytes(sum(tensor.dram_bytes for tensor in tensors)),
        _bytes(sum(tensor.spilled_bytes for tensor in tensors)),
        _bytes(sum(tensor.reloaded_bytes for tensor in tensors)),
    )


def watched_sheet(watched: Watched, layers: int | None = None) -> Sheet:
    """Lay out the tree of a network's modules, of which the depth alone limits the rows."""
    whole, *modules = watched.groups
    base = result_sheet(watched.result, 0)
    rows = [(_indented(watched, module), *_module(module)) for module in modules]
    title = f"{len(modules)} modules"
    if watched.depth is not None:
        title += f", {watched.depth} deep" if watched.depth != 1 else ", one deep"
    columns = ("module", "output", "params", "MACs", "DRAM", "time", "bound")
    grid = Grid(title, columns, (*rows, ("total", *_module(whole))), total=1)
    facts = tuple(fact for fact in base.facts if fact[0] in ("cache", "DRAM", "program"))
    more = tuple(fact for fact in base.more if fact[0] in ("traffic", "time", "accuracy"))
    return Sheet(title=base.title, facts=facts, grids=(grid,), more=more, notes=base.notes)


def _indented(watched: Watched, module: Group) -> str:
    name = module.name.rpartition(".")[2]
    kind = watched.kind(module)
    said = f" {kind}" if kind and not name.startswith(kind) else ""
    return f"{'  ' * (module.depth - 1)}{name}{said}"


def _module(module: Group) -> tuple[str, ...]:
    return (
        "x".join(map(str, module.output_shape[1:])),
        _count(module.params),
        _count(module.macs),
        _bytes(module.dram_bytes),
        format_time(module.time_ps) if module.kernels else "-",
        module.bound or "-",
    )


def _heaviest(groups: Sequence[Group], count: int | None) -> list[Group]:
    """Some groups, in their order."""
    if count is None:
        return list(groups)
    chosen = sorted(groups, key=lambda group: -group.dram_bytes)[:count]
    return [group for group in groups if group in chosen]


def _instead(sheet: Sheet, grid: Grid) -> Sheet:
    """A run's sheet with another table in place of the layers'."""
    return replace(sheet, grids=(*sheet.grids[:-1], grid))


def _bytes(amount: int) -> str:
    return format_bytes(amount) if amount else "-"


def _count(number: int) -> str:
    return format_count(number) if number else "-"
