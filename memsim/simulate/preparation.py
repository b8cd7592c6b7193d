"""From what a simulation is told to the program and the machine that the engines read."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Unpack

from memsim.engines.cache.managements import MANAGEMENTS
from memsim.errors import InputError, Problem, did_you_mean
from memsim.machine import DEFAULT_MACHINE, Machine, load_machine
from memsim.machine.machine import Overrides
from memsim.network.graph import Network
from memsim.program import Program, build
from memsim.program.frames import repeat
from memsim.program.lowering import on_library
from memsim.program.memory.allocator import ALLOCATORS
from memsim.program.tiling import IMAGES
from memsim.simulate.heed import MANY_SIZES, VERBS, idle, idle_with, refuse
from memsim.simulate.options import Options
from memsim.simulate.source import Source, network_of

NONE = "none"
"""No library: kernels are cut into tasks for the buffers."""

CHIP = "chip"
SCORES = (CHIP, "dram")
"""Where the scores of attention are: on chip, so that one kernel runs it, or tensors."""

ENVELOPES = ("curve", "curve without sizes", "figure of traffic")
"""Verbs that tell at each cache size the least of all groupings that are tried."""

AUTO, BEST = "auto", "best"
"""The task order that is chosen, of all there are, by the traffic it causes."""

WHOLE_ROWS = "rows"
"""The strip with which groups ``auto`` are of strips of whole rows alone."""

FILE = "file"
"""The layer order of the file."""

DEPTH_FIRST = ("schedule", "group", "groups", "strip")
"""What groups of layers are told."""


def prepare(
    network: Source, verb: str = "run", **options: Unpack[Options]
) -> tuple[Program, Machine]:
    """The program and the machine that options describe.

    Order ``best`` is decided at the machine's cache. ``verb`` is who is asked, a line of
    :data:`memsim.simulate.heed.VERBS`: what it does not heed is refused.

    Raises
    ------
    InputError, SimulationError
        As :func:`memsim.run`.
    """
    candidates, machine = prepare_all(network, verb, **options)
    if len(candidates) == 1:
        return next(iter(candidates.values())), machine
    from memsim.engines.curve.envelope import best_pass

    chosen, _ = best_pass(candidates, machine.cache)
    program = candidates[chosen]
    return replace(program, options={**program.options, "order": BEST, "best": chosen}), machine


def prepare_all(
    network: Source, verb: str = "run", **options: Unpack[Options]
) -> tuple[dict[str, Program], Machine]:
    """As :func:`prepare`; several programs, by their task order, where the order is ``best``."""
    refuse(verb, options)
    left: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if left.get("schedule") == AUTO:
        left |= _least_schedule(left)
    machine = machine_of(left.pop("machine", DEFAULT_MACHINE))
    network = network_of(network, machine)
    scores = left.pop("scores", None)
    if scores is None:
        return _prepared(network, verb, left, machine)
    programs, machine = _prepared(_with_scores(network, scores), verb, left, machine)
    told = {"scores": str(scores)}
    return {
        order: replace(each, options={**each.options, **told}) for order, each in programs.items()
    }, machine


def _least_schedule(left: dict[str, Any]) -> dict[str, str]:
    """What the schedule ``auto`` stands for: depth first, in the groups that move least."""
    named = [name for name in ("group", "groups") if left.get(name) not in (None, (), AUTO)]
    if named:
        message, hint = "are found where the schedule is auto", "schedule depth_first takes yours"
        raise InputError(Problem(message, path=named[0], hint=hint))
    return {"schedule": "depth_first", "groups": AUTO}


def _with_scores(network: Network, scores: object) -> Network:
    """The network as attention runs in it; one without attention is refused."""
    if scores not in SCORES:
        hint = did_you_mean(str(scores), SCORES) or " or ".join(SCORES)
        raise InputError(Problem(f"no place for scores: {scores!r}", path="scores", hint=hint))
    from memsim.network.attention import refuse_without, written_out

    refuse_without(network)
    return network if scores == CHIP else written_out(network)


def _prepared(
    network: Network, verb: str, left: dict[str, Any], machine: Machine
) -> tuple[dict[str, Program], Machine]:
    """The programs of options that are left when the network is as it runs."""
    if len(network.dtypes) == 1:  # otherwise kernels tell in which they multiply
        machine.check_dtype(network.dtype)
    changes = {name: left.pop(name) for name in Overrides.__annotations__ if name in left}
    machine = machine.with_overrides(**changes)
    ALLOCATORS[machine.cache.allocator]  # an unknown name is an error before any work
    if network.batch == 1 and left.get("images") in IMAGES:
        message = f"{network.name} has a batch of 1: one image is neither together nor apart"
        raise InputError(Problem(message, path="images", hint="give a batch, such as --batch 8"))
    management = machine.cache.management
    library = left.pop("library", machine.program.library)
    if "library" in VERBS[verb].refuses:
        library = NONE
    problems = idle(verb, changes, management, MANAGEMENTS[management].heeds, machine.name)
    problems += idle_with(library, [*left, *changes])
    if problems:
        raise InputError(*problems)
    if "cache" not in VERBS[verb].refuses and verb not in MANY_SIZES:
        MANAGEMENTS[management].check(machine.cache)
    name = left.pop("layer_order", FILE)
    lowering = left.pop("lowering", machine.program.lowering)
    left["lowering"] = on_library(lowering, machine.compute.kernels)
    if name == FILE:
        return _built(network, verb, library, left, machine), machine
    from memsim.simulate.layer_orders import LAYER_ORDERS, ordered

    if problem := _no_order(LAYER_ORDERS[name].searches, LAYER_ORDERS[name].of_cache, verb, left):
        raise InputError(problem)
    apart = {n: value for n, value in left.items() if n not in (*DEPTH_FIRST, "overlap")}

    def build_in_order(network: Network, layer_by_layer: bool) -> dict[str, Program]:
        return _built(network, verb, library, apart if layer_by_layer else left, machine)

    return ordered(name, network, machine.cache, build_in_order), machine


def _no_order(searches: bool, of_cache: bool, verb: str, left: dict[str, Any]) -> Problem | None:
    """Why a layer order cannot be chosen beside other options; None where it can."""
    if of_cache and ("cache" in VERBS[verb].refuses or verb in MANY_SIZES):
        message = "is chosen for one cache size, and the answer is for every size"
        return Problem(message, path="layer_order", hint="layer order min_peak, or memsim run")
    if searches and left.get("order") == BEST:
        message = "best and the layer order are two searches"
        return Problem(message, path="order", hint="name a task order")
    if searches and not of_cache and left.get("groups") == AUTO:
        message = "auto is of the least traffic, and the layer order is not"
        hint = "layer order min_traffic, file or dfs, or groups by hand"
        return Problem(message, path="groups", hint=hint)
    return None


def _built(
    network: Network, verb: str, library: str, left: dict[str, Any], machine: Machine
) -> dict[str, Program]:
    """The programs of a network, by their task order."""
    left = dict(left)
    frames = left.pop("frames", 1)
    if library != NONE:
        from memsim.program.library.build import HEAP, build_library

        program = build_library(
            network, library=library, lowering=left["lowering"], frames=frames,
            line=machine.cache.line, heap=left.get("heap", HEAP),
        )  # fmt: skip
        return {library: program}
    habits = dict(machine.program.options)
    if left.get("tile") == "whole":  # one task per kernel instead of what the machine does
        habits.pop("register_tile", None)
    left = {**habits, **left, "buffer": machine.buffer_bytes}
    if left.get("groups") == AUTO:
        found = _grouped(network, verb, left, machine)
        return {name: repeat(each, frames) for name, each in found.items()}
    if left.get("order") == BEST:
        from memsim.engines.curve.envelope import candidate_programs

        del left["order"]
        candidates = candidate_programs(network, **left)
        return {order: repeat(each, frames) for order, each in candidates.items()}
    program = repeat(build(network, **left), frames)
    return {str(program.options["order"]): program}


def _grouped(
    network: Network, verb: str, left: dict[str, Any], machine: Machine
) -> dict[str, Program]:
    """The program whose groups move least in the machine's cache, by its task order.

    Where a verb answers for every size, all groupings that are tried, by their names.
    """
    from memsim.engines.curve.grouping import auto_program, auto_programs

    problems = []
    if left.get("schedule") != "depth_first":
        message, hint = "is of groups that run depth first", "schedule depth_first"
        problems.append(Problem(message, path="groups", hint=hint))
    if "cache" in VERBS[verb].refuses and verb not in ENVELOPES:
        message = "is chosen for one cache size, and the answer is for every size"
        hint = "a pattern, or --group FIRST..LAST by hand"
        problems.append(Problem(message, path="groups", hint=hint))
    for name, said in (("group", ()), ("strip", WHOLE_ROWS)):
        if left.get(name) not in (None, said):
            message, hint = "is chosen where groups are auto", "leave one of them out"
            problems.append(Problem(message, path=name, hint=hint))
    if left.get("order") == BEST:
        message, hint = "best and groups auto are two searches", "name a task order"
        problems.append(Problem(message, path="order", hint=hint))
    if problems:
        raise InputError(*problems)
    options = {n: v for n, v in left.items() if n not in DEPTH_FIRST}
    options["without_tiles"] = _why_no_tiles(verb, left, machine)
    if verb in ENVELOPES:
        return auto_programs(network, machine.cache, **options)
    program = auto_program(network, machine.cache, **options)
    return {str(program.options["order"]): program}


def _why_no_tiles(verb: str, left: dict[str, Any], machine: Machine) -> str | None:
    """Why groups ``auto`` are of strips of whole rows alone; None where they may be of tiles.

    memsim has no addresses of parts of rows. Who needs them is known before a program is built.
    """
    if left.get("strip") == WHOLE_ROWS:
        return "strips of whole rows were asked for"
    if "layout" in MANAGEMENTS[machine.cache.management].heeds:
        return "the lines of a hardware cache need addresses"
    if VERBS[verb].of_addresses:
        return "requests need addresses"
    if left.get("register_tile") not in (None, NONE):
        return "kernels are cut for registers"
    return None


def machine_of(machine: object) -> Machine:
    """A machine as it is, or the one that a name or a file means.

    Raises
    ------
    InputError
        For an unknown name, a file that is wrong, or anything else.
    """
    if isinstance(machine, Machine):
        return machine
    if not isinstance(machine, str | os.PathLike):
        message = f"{machine!r} is no machine"
        raise InputError(Problem(message, path="machine", hint="a name, a file or a Machine"))
    return load_machine(machine)
