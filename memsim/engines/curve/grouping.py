"""Groups ``auto``: of a few groupings the one that moves least in a cache, as it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.compiled import load_compiler
from memsim.errors import InputError, SimulationError
from memsim.machine.cache import Cache
from memsim.network.graph import Network
from memsim.program import Program, build
from memsim.program.build import trial_plans
from memsim.program.depth_first import OVERLAPS, PATTERNS, check_overlap
from memsim.program.depth_first.cuts import Cuts
from memsim.program.depth_first.strips import rows_needed
from memsim.progress import counted

__all__ = ["AUTO", "LAYER_BY_LAYER", "auto_program", "auto_programs"]

AUTO = "auto"
LAYER_BY_LAYER = "layer_by_layer"

SMALLEST = 16 * 1024
"""Bytes of the smallest cache for which groupings are looked for where all sizes are asked for."""

SHARES = ((1.0, True), (1.0, False), (0.7, False), (0.45, False), (2.0, False))
"""Parts of the cache for which the list of kernels is cut, and whether into the tallest strips: an
estimate knows not all that a cache holds at a time, and counts some that it need not hold."""


NEVER = 1 << 62
"""Bytes that a program moves which cannot be built."""

MANY = 50_000
"""Accesses layer by layer above which the compiled loop is loaded: some nine passes follow, most of
more accesses, and in plain Python they take longer than the 0.4 s of loading it."""

TRIED_ANEW = 2
"""Of groupings that keep what strips share, so many are tried with that computed anew."""


def auto_program(
    network: Network, cache: Cache, overlap: str | None = None, **options: Any
) -> Program:
    """Build the program whose groups move least in a cache, as far as these are searched.

    Layer by layer is a candidate, so no grouping is chosen that moves more. The others are the
    groups by each pattern, and the best cuts of the list of kernels by an estimate, see
    :mod:`memsim.program.depth_first.cuts`. Each is run through the cache, and counts as it moves.
    Rows that strips share are kept, and of the groupings that then move least also computed anew;
    what moves alike keeps them.

    Parameters
    ----------
    network : Network
    cache : Cache
    overlap : str, optional
        Only groupings that ``keep`` what strips share, or that ``recompute`` it.
    **options
        Of :func:`memsim.build`, without those of groups.

    Returns
    -------
    Program
        Its options tell the groups; ``groups`` says where they come from.
    """
    check_overlap(overlap)
    plain = build(network, schedule="layer_by_layer", **options)
    apart = _moved(plain, cache)
    if apart == plain.compulsory_bytes:
        return _none(plain, "all moves once already")
    _prepare_for(plain)
    least, chosen = apart, plain
    groupings = list(_candidates(network, plain, _cuts(network, plain), cache.size).values())
    for way in (overlap,) if overlap else OVERLAPS:
        moved: list[int] = []
        for how in counted(groupings, "groupings tried"):
            told = {**options, **how, "overlap": way}
            try:
                program = build(network, schedule="depth_first", **told)
            except SimulationError:  # too large a program, or buffers too small for it
                moved.append(NEVER)
                continue
            moved.append(_moved(program, cache))
            if moved[-1] < least:
                least, chosen = moved[-1], program
            if least == plain.compulsory_bytes:  # nothing moves less
                return _found(chosen)
        groupings = [groupings[n] for n in np.argsort(moved, kind="stable")[:TRIED_ANEW]]
    if chosen is plain:
        return _none(plain, "no grouping moves less")
    return _found(chosen)


def auto_programs(
    network: Network, cache: Cache, overlap: str | None = None, **options: Any
) -> dict[str, Program]:
    """Build the groupings among which the best of every cache size is looked for.

    They are what :func:`auto_program` tries at the cache's own size and at each power of two from
    16 KiB to the first at which layer by layer moves nothing twice. So the least of them all is
    not above what that finds at these sizes; between them it may be.

    Parameters
    ----------
    network : Network
    cache : Cache
    overlap, **options
        As for :func:`auto_program`.

    Returns
    -------
    dict of str to Program
        By name; the first is ``layer_by_layer``.
    """
    check_overlap(overlap)
    plain = build(network, schedule="layer_by_layer", **options)
    _prepare_for(plain)
    cuts = _cuts(network, plain)
    programs = {LAYER_BY_LAYER: _none(plain, "")}
    names: dict[tuple[str, str], str] = {}  # equal cuts for several sizes are one program
    for size in counted(sorted({cache.size, *_powers(plain, cache)}), "sizes that groups are for"):
        there = cache.resized(size)
        groupings = _candidates(network, plain, cuts, size)
        for way in (overlap,) if overlap else OVERLAPS:
            moved = {}
            for told, how in groupings.items():
                anew = ", computed anew" if way != OVERLAPS[0] else ""
                name = names.setdefault((repr(how), way), f"{told}{anew}")
                if name not in programs:
                    with suppress(SimulationError):  # too large, or buffers too small for it
                        programs[name] = build(
                            network, schedule="depth_first", **{**options, **how, "overlap": way}
                        )
                if name in programs:
                    moved[told] = _moved(programs[name], there)
            least = sorted(moved, key=moved.__getitem__)[:TRIED_ANEW]
            groupings = {told: groupings[told] for told in least}
    return programs


def _powers(plain: Program, cache: Cache) -> Iterator[int]:
    """Powers of two up to the first at which nothing moves twice, or that all tensors fit into."""
    size, most = SMALLEST, sum(tensor.nbytes for tensor in plain.tensors)
    while True:
        yield size
        if size > most or _moved(plain, cache.resized(size)) == plain.compulsory_bytes:
            return
        size *= 2


def _prepare_for(plain: Program) -> None:
    """Load the compiled loop of a cache's pass if the groupings will need many accesses."""
    if int(np.diff(plain.cell_block)[plain.touch_cell].sum()) > MANY:
        load_compiler()


def _moved(program: Program, cache: Cache) -> int:
    traffic = cache_pass(program, cache)
    return traffic.read_bytes + traffic.write_bytes


def _cuts(network: Network, plain: Program) -> Cuts:
    """The ways to cut the list of kernels."""
    kernels = plain.kernels
    plan_of = trial_plans(network, kernels, str(plain.options["rows"]))
    listed = counted(kernels, "rows that kernels need")
    needs = {number: rows_needed(kernel, plan_of) for number, kernel in enumerate(listed)}
    inputs = {tensor.name: tensor.nbytes for tensor in plain.tensors if tensor.kind == "input"}
    return Cuts(kernels, needs, inputs)


def _candidates(
    network: Network, plain: Program, cuts: Cuts, capacity: int
) -> dict[str, dict[str, Any]]:
    """Groupings by name: what :func:`memsim.build` is told of each."""
    found: dict[str, dict[str, Any]] = {}
    seen = set()
    for share, tall in SHARES:
        part = int(capacity * share)
        cut = cuts.best(part, tall=tall)
        if cut.groups and cut not in seen:
            seen.add(cut)
            name = f"cuts for {part / 1024:.0f} KiB{', tall strips' if tall else ''}"
            found[name] = {"group": cut.groups, "strip": cut.heights}
    for name, pattern in PATTERNS.items():
        with suppress(InputError):  # the file's groups may be none of this lowering
            if pattern(network, plain.kernels):
                found[name] = {"groups": name}
    return found


def _found(chosen: Program) -> Program:
    """The grouping that moves least, and where it comes from."""
    return replace(chosen, options={**chosen.options, "groups": AUTO})


def _none(plain: Program, why: str) -> Program:
    """Layer by layer, and why nothing else was chosen."""
    told = f"{AUTO}: {why}" if why else AUTO
    return replace(plain, options={**plain.options, "groups": told})
