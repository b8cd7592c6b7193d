"""Groups ``auto``: of a few groupings the one that moves least in a cache, as it runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
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

AUTO = "auto"

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
    programs: dict[str, Program] = {}
    plain = build(network, schedule="layer_by_layer", **options)
    apart = _moved(plain, cache)
    if apart == plain.compulsory_bytes:
        return _none(plain, "all moves once already")
    for name, how in _candidates(network, plain, cache.size).items():
        try:
            programs[name] = build(network, schedule="depth_first", **{**options, **how})
        except SimulationError:  # too large a program, or buffers too small for it
            continue
    moved = {name: _moved(each, cache) for name, each in programs.items()}
    least = min(moved, key=moved.__getitem__, default=None)
    if least is None or moved[least] >= apart:
        return _none(plain, "no grouping moves less")
    chosen = programs[least]
    return replace(chosen, options={**chosen.options, "groups": AUTO})


def _moved(program: Program, cache: Cache) -> int:
    traffic = cache_pass(program, cache)
    return traffic.read_bytes + traffic.write_bytes


def _candidates(network: Network, plain: Program, capacity: int) -> Mapping[str, dict[str, Any]]:
    """Groupings by name: what :func:`memsim.build` is told."""
    kernels = plain.kernels
    found: dict[str, dict[str, Any]] = {}
    plan_of = trial_plans(network, kernels, str(plain.options["rows"]))
    needs = {number: rows_needed(each, plan_of) for number, each in enumerate(kernels)}
    inputs = {each.name: each.nbytes for each in plain.tensors if each.kind == "input"}
    seen = set()
    cuts = Cuts(kernels, needs, inputs)
    for share, tall in SHARES:
        cut = cuts.best(int(capacity * share), tall=tall)
        if cut.groups and cut not in seen:
            seen.add(cut)
            found[f"cut {share} {tall}"] = {"group": cut.groups, "strip": cut.heights}
    for name, pattern in PATTERNS.items():
        with suppress(InputError):  # the file's groups may be none of this lowering
            if pattern(network, kernels):
                found[name] = {"groups": name}
    return found


def _none(plain: Program, why: str) -> Program:
    """Layer by layer, and why nothing else was chosen."""
    return replace(plain, options={**plain.options, "groups": f"{AUTO}: {why}"})


__all__ = ["AUTO", "auto_program"]
