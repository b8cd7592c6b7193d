"""Groups ``auto``: of a few groupings the one that moves least in a cache, as it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import product
from typing import Any

from memsim.engines.cache.cachepass import cache_pass
from memsim.errors import InputError, SimulationError
from memsim.machine.cache import Cache
from memsim.network.graph import Network
from memsim.program import Program, build
from memsim.program.build import trial_plans
from memsim.program.depth_first import PATTERNS
from memsim.program.depth_first.cuts import Cuts
from memsim.program.depth_first.strips import rows_needed

__all__ = ["AUTO", "LAYER_BY_LAYER", "auto_program", "auto_programs"]

AUTO = "auto"
LAYER_BY_LAYER = "layer_by_layer"

SMALLEST = 16 * 1024
"""Bytes of the smallest cache for which groupings are looked for where all sizes are asked for."""

SHARES = ((1.0, True), (1.0, False), (0.7, False), (0.45, False))
"""Parts of the cache for which the list of kernels is cut, and whether into the tallest strips: an
estimate knows not all that a cache holds at a time."""


def auto_program(network: Network, cache: Cache, **options: Any) -> Program:
    """Build the program whose groups move least in a cache, as far as these are searched.

    Layer by layer is a candidate, so no grouping is chosen that moves more. The others are the
    groups by each pattern, and the best cuts of the list of kernels by an estimate, see
    :mod:`memsim.program.depth_first.cuts`. Each is run through the cache, and counts as it moves.

    Parameters
    ----------
    network : Network
    cache : Cache
    **options
        Of :func:`memsim.build`, without those of groups.

    Returns
    -------
    Program
        Its options tell the groups; ``groups`` says where they come from.
    """
    plain = build(network, schedule="layer_by_layer", **options)
    apart = _moved(plain, cache)
    if apart == plain.compulsory_bytes:
        return _none(plain, "all moves once already")
    programs = _built(network, _candidates(network, plain, (cache.size,)), options)
    moved = {name: _moved(each, cache) for name, each in programs.items()}
    least = min(moved, key=moved.__getitem__, default=None)
    if least is None or moved[least] >= apart:
        return _none(plain, "no grouping moves less")
    chosen = programs[least]
    return replace(chosen, options={**chosen.options, "groups": AUTO})


def auto_programs(network: Network, cache: Cache, **options: Any) -> dict[str, Program]:
    """Build the groupings among which the best of every cache size is looked for.

    They are what :func:`auto_program` tries at the cache's own size and at each power of two from
    16 KiB to the first at which layer by layer moves nothing twice. So the least of them all is
    not above what that finds at these sizes; between them it may be.

    Parameters
    ----------
    network : Network
    cache : Cache
    **options
        As for :func:`auto_program`.

    Returns
    -------
    dict of str to Program
        By name; the first is ``layer_by_layer``.
    """
    plain = build(network, schedule="layer_by_layer", **options)
    sizes = sorted({cache.size, *_powers(plain, cache)})
    programs = {LAYER_BY_LAYER: _none(plain, "")}
    return programs | _built(network, _candidates(network, plain, sizes), options)


def _powers(plain: Program, cache: Cache) -> Iterator[int]:
    """Powers of two up to the first at which nothing moves twice, or that all tensors fit into."""
    size, most = SMALLEST, sum(tensor.nbytes for tensor in plain.tensors)
    while True:
        yield size
        if size > most or _moved(plain, cache.resized(size)) == plain.compulsory_bytes:
            return
        size *= 2


def _built(
    network: Network, candidates: Mapping[str, dict[str, Any]], options: Mapping[str, Any]
) -> dict[str, Program]:
    programs = {}
    for name, how in candidates.items():
        with suppress(SimulationError):  # too large a program, or buffers too small for it
            programs[name] = build(network, schedule="depth_first", **{**options, **how})
    return programs


def _moved(program: Program, cache: Cache) -> int:
    traffic = cache_pass(program, cache)
    return traffic.read_bytes + traffic.write_bytes


def _candidates(
    network: Network, plain: Program, capacities: Sequence[int]
) -> Mapping[str, dict[str, Any]]:
    """Groupings for some cache sizes, by name: what :func:`memsim.build` is told."""
    kernels = plain.kernels
    found: dict[str, dict[str, Any]] = {}
    plan_of = trial_plans(network, kernels, str(plain.options["rows"]))
    needs = {number: rows_needed(each, plan_of) for number, each in enumerate(kernels)}
    inputs = {each.name: each.nbytes for each in plain.tensors if each.kind == "input"}
    seen = set()
    cuts = Cuts(kernels, needs, inputs)
    for capacity, (share, tall) in product(capacities, SHARES):
        part = int(capacity * share)
        cut = cuts.best(part, tall=tall)
        if cut.groups and cut not in seen:
            seen.add(cut)
            name = f"cuts for {part / 1024:.0f} KiB{', tall strips' if tall else ''}"
            found[name] = {"group": cut.groups, "strip": cut.heights}
    for name, pattern in PATTERNS.items():
        with suppress(InputError):  # the file's groups may be none of this lowering
            if pattern(network, kernels):
                found[name] = {"groups": name}
    return found


def _none(plain: Program, why: str) -> Program:
    """Layer by layer, and why nothing else was chosen."""
    told = f"{AUTO}: {why}" if why else AUTO
    return replace(plain, options={**plain.options, "groups": told})
