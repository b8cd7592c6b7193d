"""Groups ``auto``: of a few groupings the one that moves least in a cache, as it runs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from memsim.engines.cache.cachepass import cache_pass
from memsim.errors import InputError, SimulationError
from memsim.machine.cache import Cache
from memsim.network.graph import Network
from memsim.program import Program, build
from memsim.program.build import trial_plans
from memsim.program.depth_first import OVERLAPS, PATTERNS, check_overlap
from memsim.program.depth_first.cuts import Cuts
from memsim.program.depth_first.strips import rows_needed

AUTO = "auto"

SHARES = ((1.0, True), (1.0, False), (0.7, False), (0.45, False))
"""Parts of the cache for which the list of kernels is cut, and whether into the tallest strips: an
estimate knows not all that a cache holds at a time."""


NEVER = 1 << 62
"""Bytes that a program moves which cannot be built."""

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
    least, chosen = apart, plain
    groupings = _candidates(network, plain, cache.size)
    for way in (overlap,) if overlap else OVERLAPS:
        moved: list[int] = []
        for how in groupings:
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


def _moved(program: Program, cache: Cache) -> int:
    traffic = cache_pass(program, cache)
    return traffic.read_bytes + traffic.write_bytes


def _candidates(network: Network, plain: Program, capacity: int) -> list[dict[str, Any]]:
    """Groupings: what :func:`memsim.build` is told of each."""
    kernels = plain.kernels
    found: list[dict[str, Any]] = []
    plan_of = trial_plans(network, kernels, str(plain.options["rows"]))
    needs = {number: rows_needed(each, plan_of) for number, each in enumerate(kernels)}
    inputs = {each.name: each.nbytes for each in plain.tensors if each.kind == "input"}
    seen = set()
    cuts = Cuts(kernels, needs, inputs)
    for share, tall in SHARES:
        cut = cuts.best(int(capacity * share), tall=tall)
        if cut.groups and cut not in seen:
            seen.add(cut)
            found.append({"group": cut.groups, "strip": cut.heights})
    for name, pattern in PATTERNS.items():
        with suppress(InputError):  # the file's groups may be none of this lowering
            if pattern(network, kernels):
                found.append({"groups": name})
    return found


def _found(chosen: Program) -> Program:
    """The grouping that moves least, and where it comes from."""
    return replace(chosen, options={**chosen.options, "groups": AUTO})


def _none(plain: Program, why: str) -> Program:
    """Layer by layer, and why nothing else was chosen."""
    return replace(plain, options={**plain.options, "groups": f"{AUTO}: {why}"})


__all__ = ["AUTO", "auto_program"]
