"""Groups ``auto``: of a few groupings the one that moves least in a cache, as it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from memsim.engines.cache.cachepass import moved_bytes
from memsim.engines.compiled import load_compiler
from memsim.errors import InputError, SimulationError
from memsim.machine.cache import Cache
from memsim.network.graph import Network
from memsim.program import Program, build
from memsim.program.build import trial_plans
from memsim.program.depth_first import OVERLAPS, PATTERNS, check_overlap
from memsim.program.depth_first.cuts import Cuts
from memsim.program.depth_first.strips import columns_needed, rows_needed
from memsim.progress import counted

__all__ = ["AUTO", "LAYER_BY_LAYER", "auto_program", "auto_programs"]

AUTO = "auto"
LAYER_BY_LAYER = "layer_by_layer"

SMALLEST = 16 * 1024
"""Bytes of the smallest cache for which groupings are looked for where all sizes are asked for."""

SHARES = ((1.0, True), (1.0, False), (0.7, False), (0.45, False), (2.0, False))
"""Parts of the cache for which the list of kernels is cut, and whether into the tallest strips: an
estimate knows not all that a cache holds at a time, and counts some that it need not hold."""

TILED_SHARES = ((1.0, False), (0.7, False))
"""The same, where strips may be tiles."""

NEVER = 1 << 62
"""Bytes that a program moves which cannot be built."""

MANY = 50_000
"""Accesses layer by layer above which the compiled loop is loaded: some nine passes follow, most of
more accesses, and in plain Python they take longer than the 0.4 s of loading it."""

FEW = 10_000
"""Accesses layer by layer above which one cut with tiles is tried, and none that computes the rims
of tiles anew: that makes programs of many times as many, and moves little less."""

TRIED_ANEW = 2
"""Of groupings that keep what strips share, so many are tried with that computed anew."""

Grouping = dict[str, Any]
"""What :func:`memsim.build` is told of groups."""


def auto_program(
    network: Network,
    cache: Cache,
    overlap: str | None = None,
    without_tiles: str | None = None,
    **options: Any,
) -> Program:
    """Build the program whose groups move least in a cache, as far as these are searched.

    Layer by layer is a candidate, so no grouping is chosen that moves more. The others are the
    groups by each pattern, and the best cuts of the list of kernels by an estimate, see
    :mod:`memsim.program.depth_first.cuts`: into strips of whole rows, and into strips and tiles.
    Each is run through the cache, and counts as it moves. Rows that strips share are kept, and of
    the groupings that then move least also computed anew; what moves alike keeps them.

    Parameters
    ----------
    network : Network
    cache : Cache
    overlap : str, optional
        Only groupings that ``keep`` what strips share, or that ``recompute`` it.
    without_tiles : str, optional
        Why no tiles are tried that are narrower than a map. None: they are.
    **options
        Of :func:`memsim.build`, without those of groups.

    Returns
    -------
    Program
        Its options tell the groups; ``groups`` says where they come from, and ``groups_tried``
        which were tried.
    """
    check_overlap(overlap)
    plain = build(network, schedule="layer_by_layer", **options)
    without_tiles = without_tiles or _too_many(plain, overlap)
    tried = _tried(without_tiles)
    least, chosen = moved_bytes(plain, cache), plain
    if least == plain.compulsory_bytes:
        return _none(plain, "all moves once already", {})
    _prepare_for(plain)
    cuts = _cuts(network, plain, tiles=without_tiles is None)
    for find, ways in _rounds(plain, cuts, overlap):
        groupings = list(find(network, plain, cuts, cache.size).values())
        for way in ways:
            moved: list[int] = []
            for how in counted(groupings, "groupings tried"):
                told = {**options, **how, "overlap": way}
                try:
                    program = build(network, schedule="depth_first", **told)
                except SimulationError:  # too large a program, or buffers too small for it
                    moved.append(NEVER)
                    continue
                moved.append(moved_bytes(program, cache))
                if moved[-1] < least:
                    least, chosen = moved[-1], program
                if least == plain.compulsory_bytes:  # nothing moves less
                    return _found(chosen, tried)
            groupings = [groupings[n] for n in np.argsort(moved, kind="stable")[:TRIED_ANEW]]
    if chosen is plain:
        return _none(plain, "no grouping moves less", tried)
    return _found(chosen, tried)


def auto_programs(
    network: Network,
    cache: Cache,
    overlap: str | None = None,
    without_tiles: str | None = None,
    **options: Any,
) -> dict[str, Program]:
    """Build the groupings among which the best of every cache size is looked for.

    They are what :func:`auto_program` tries at the cache's own size and at each power of two from
    16 KiB to the first at which layer by layer moves nothing twice. So the least of them all is
    not above what that finds at these sizes; between them it may be.

    Parameters
    ----------
    network : Network
    cache : Cache
    overlap, without_tiles, **options
        As for :func:`auto_program`.

    Returns
    -------
    dict of str to Program
        By name; the first is ``layer_by_layer``.
    """
    check_overlap(overlap)
    plain = build(network, schedule="layer_by_layer", **options)
    without_tiles = without_tiles or _too_many(plain, overlap)
    _prepare_for(plain)
    cuts = _cuts(network, plain, tiles=without_tiles is None)
    programs = {LAYER_BY_LAYER: _none(plain, "", _tried(without_tiles))}
    names: dict[tuple[str, str], str] = {}  # equal cuts for several sizes are one program
    for size in counted(sorted({cache.size, *_powers(plain, cache)}), "sizes that groups are for"):
        there = cache.resized(size)
        for find, ways in _rounds(plain, cuts, overlap):
            groupings = find(network, plain, cuts, size)
            for way in ways:
                moved = {}
                for told, how in groupings.items():
                    anew = ", computed anew" if way != OVERLAPS[0] else ""
                    name = names.setdefault((repr(how), way), f"{told}{anew}")
                    if name not in programs:
                        with suppress(SimulationError):  # too large, or buffers too small for it
                            programs[name] = build(
                                network,
                                schedule="depth_first",
                                **{**options, **how, "overlap": way},
                            )
                    if name in programs:
                        moved[told] = moved_bytes(programs[name], there)
                best = sorted(moved, key=moved.__getitem__)[:TRIED_ANEW]
                groupings = {told: groupings[told] for told in best}
    return programs


def _rounds(
    plain: Program, cuts: Cuts, overlap: str | None
) -> Iterator[tuple[Callable[[Network, Program, Cuts, int], dict[str, Grouping]], Sequence[str]]]:
    """What is tried: how groupings are found, and with what overlaps.

    Strips of whole rows come first and are tried as if there were no tiles, so what is found with
    tiles is not above what is found without.
    """
    ways = (overlap,) if overlap else OVERLAPS
    yield _of_rows, ways
    if cuts.estimate.across:
        yield _of_tiles, ways[:1] if _accesses(plain) > FEW else ways


def _too_many(plain: Program, overlap: str | None) -> str | None:
    """Why tiles are left out that compute anew alone; None where they are not."""
    if overlap in (None, OVERLAPS[0]) or _accesses(plain) <= FEW:
        return None
    return "with rims computed anew they make too large programs"


def _powers(plain: Program, cache: Cache) -> Iterator[int]:
    """Powers of two up to the first at which nothing moves twice, or that all tensors fit into."""
    size, most = SMALLEST, sum(tensor.nbytes for tensor in plain.tensors)
    while True:
        yield size
        if size > most or moved_bytes(plain, cache.resized(size)) == plain.compulsory_bytes:
            return
        size *= 2


def _accesses(plain: Program) -> int:
    return int(np.diff(plain.cell_block)[plain.touch_cell].sum())


def _prepare_for(plain: Program) -> None:
    """Load the compiled loop of a cache's pass if the groupings will need many accesses."""
    if _accesses(plain) > MANY:
        load_compiler()


def _cuts(network: Network, plain: Program, *, tiles: bool) -> Cuts:
    """The ways to cut the list of kernels."""
    kernels = plain.kernels
    plan_of = trial_plans(network, kernels, str(plain.options["rows"]))
    listed = counted(kernels, "rows that kernels need")
    needs = {number: rows_needed(each, plan_of) for number, each in enumerate(listed)}
    inputs = {each.name: each.nbytes for each in plain.tensors if each.kind == "input"}
    across = 0
    for number, each in enumerate(kernels if tiles else ()):
        with suppress(InputError):  # it is not cut across its columns
            columns_needed(each, plan_of)
            across |= 1 << number
    return Cuts(kernels, needs, inputs, across)


def _of_rows(network: Network, plain: Program, cuts: Cuts, capacity: int) -> dict[str, Grouping]:
    """Groupings into strips of whole rows, by name."""
    found: dict[str, Grouping] = {}
    seen = set()
    for share, tall in SHARES:
        part = int(capacity * share)
        cut = cuts.best(part, tall=tall)
        if cut.groups and cut not in seen:
            seen.add(cut)
            name = f"cuts for {part / 1024:.0f} KiB{', tall strips' if tall else ''}"
            found[name] = {"group": cut.groups, "strip": cut.strips}
    for name, pattern in PATTERNS.items():
        with suppress(InputError):  # the file's groups may be none of this lowering
            if pattern(network, plain.kernels):
                found[name] = {"groups": name}
    return found


def _of_tiles(network: Network, plain: Program, cuts: Cuts, capacity: int) -> dict[str, Grouping]:
    """Groupings of which some are tiles, by name."""
    found: dict[str, Grouping] = {}
    for share, tall in TILED_SHARES[: 1 if _accesses(plain) > FEW else None]:
        part = int(capacity * share)
        cut = cuts.best(part, tall=tall, tiles=True)
        if any(isinstance(strip, str) for strip in cut.strips):
            name = f"cuts for {part / 1024:.0f} KiB, with tiles"
            found[name] = {"group": cut.groups, "strip": cut.strips}
    return found


def _tried(without_tiles: str | None) -> dict[str, str]:
    """What is said of what was tried."""
    said = "strips and tiles" if without_tiles is None else f"strips, no tiles: {without_tiles}"
    return {"groups_tried": said}


def _found(chosen: Program, tried: Mapping[str, str]) -> Program:
    """The grouping that moves least, and where it comes from."""
    return replace(chosen, options={**chosen.options, "groups": AUTO, **tried})


def _none(plain: Program, why: str, tried: Mapping[str, str]) -> Program:
    """Layer by layer, and why nothing else was chosen."""
    told = f"{AUTO}: {why}" if why else AUTO
    return replace(plain, options={**plain.options, "groups": told, **tried})
