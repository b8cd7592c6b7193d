"""The facts of a chunk: what a worker does."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.cache.cachepass import CachePass, cache_pass, read_bytes, write_bytes
from memsim.engines.clock.compiled_recurrence import compiled_recurrence
from memsim.engines.clock.steps import steps
from memsim.engines.curve.envelope import best_pass
from memsim.errors import InputError, MemsimError
from memsim.machine import DEFAULT_MACHINE, Machine
from memsim.network.graph import Network
from memsim.program import Program
from memsim.program.kernel import Role
from memsim.program.parts import Part, chosen, compulsory, part
from memsim.results.configuration import resolved
from memsim.results.energy import joules, mac_joules, with_sum
from memsim.simulate.preparation import machine_of, prepare_all
from memsim.simulate.source import load_on
from memsim.sweeps.chunk import ALL, Chunk, Outcome
from memsim.sweeps.facts import split_facts
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["compute", "loaded", "nothing"]


class _Held(threading.local):
    """What a worker keeps from one chunk to the next: one network and the programs of one group."""

    network: tuple[str, Network] | None = None
    group: tuple[str, dict[str, Program], Machine] | None = None


_held = _Held()


def compute(chunk: Chunk) -> Outcome:
    """Find the facts of every point of a chunk; what fails is part of the outcome."""
    outcome = nothing(chunk)
    try:
        programs, machine = _prepared(chunk)
        _of_group(chunk, next(iter(programs.values())), machine, outcome)
        for at, capacity in enumerate(chunk.capacities):
            try:
                _at_capacity(chunk, at, capacity, programs, machine, outcome)
            except MemsimError as error:
                outcome.errors.append((at, ALL, ALL, str(error)))
    except MemsimError as error:
        outcome.errors.append((ALL, ALL, ALL, str(error)))
    except MemoryError:
        outcome.errors.append((ALL, ALL, ALL, "out of memory"))
    except Exception as error:  # whatever is wrong with one point, the others go on
        outcome.errors.append((ALL, ALL, ALL, f"{type(error).__name__}: {error}"))
    return outcome


def nothing(chunk: Chunk, why: str = "") -> Outcome:
    """An outcome before anything is found; of a chunk that failed as a whole where ``why`` says."""
    facts = {
        name: np.zeros(_shape(chunk, fact.inner, fact.split), fact.dtype)
        for name, fact in split_facts(chunk.by).items()
    }
    return Outcome(facts, [(ALL, ALL, ALL, why)] if why else [])


def loaded(chunk: Chunk) -> Network:
    """The network of a chunk, as it runs there."""
    how = dict(chunk.loading)
    size = how.pop("input", None)
    if isinstance(chunk.source, Network):
        for name in ("variant", "submodule", "parameters"):
            if how.pop(name, None) is not None:
                raise InputError(f"{chunk.source.name} is no file: it has no {name}")
        return chunk.source.with_options(input_shape=size, **how)
    key = repr((chunk.content, chunk.source, chunk.loading, chunk.options.get("machine")))
    if _held.network is None or _held.network[0] != key:
        machine = machine_of(chunk.options.get("machine", DEFAULT_MACHINE))
        _held.network = key, load_on(machine, chunk.source, input_shape=size, **how)
    return _held.network[1]


def _prepared(chunk: Chunk) -> tuple[dict[str, Program], Machine]:
    key = chunk.group
    held = _held.group
    if held is None or held[0] != key:
        _held.group = None  # two programs at a time are one too many
        options: Any = {name: value for name, value in chunk.options.items() if name != "only"}
        _held.group = held = key, *prepare_all(loaded(chunk), "sweep", **options)
    return held[1], held[2]


def _shape(chunk: Chunk, inner: tuple[str, ...], split: str) -> tuple[int, ...]:
    from memsim.sweeps.facts import SPLITS

    sizes: Mapping[str, tuple[Any, ...]] = {
        "cache": chunk.capacities,
        "bandwidth": chunk.bandwidths,
        "macs": chunk.rates,
    }
    parts = (len(SPLITS[split]),) if split else ()
    return tuple(len(sizes[name]) for name in inner) + parts


def _of_group(chunk: Chunk, program: Program, machine: Machine, outcome: Outcome) -> None:
    """What is the same at every capacity."""
    network, facts = program.network, outcome.facts
    facts["network_macs"][()] = network.macs
    facts["network_params"][()] = network.params
    facts["network_cio_elements"][()] = network.cio
    facts["compulsory_bytes"][()] = sum(compulsory(program, part(chunk.options.get("only"))))
    config = resolved(program, machine)
    for values, names in (
        (chunk.capacities, ("cache_bytes",)),
        (chunk.bandwidths, ("bandwidth_bytes_per_s",)),
        (chunk.rates, ("macs_per_s",)),
    ):
        if values != (None,):
            for name in names:
                config.pop(name, None)
    outcome.config = {
        **config,
        "batch": network.batch,
        "dtype": network.dtype,
        "input_shapes": [list(network[name].output.shape) for name in network.inputs],
    }


def _at_capacity(
    chunk: Chunk,
    at: int,
    capacity: int | None,
    programs: Mapping[str, Program],
    machine: Machine,
    outcome: Outcome,
) -> None:
    """One cache pass, and the time at every bandwidth and rate."""
    machine = machine.with_overrides(cache=capacity)
    program, moved = _pass(programs, machine)
    only = part(chunk.options.get("only"))
    facts = outcome.facts
    for name, value in _traffic(program, moved, machine, only).items():
        facts[name][at] = value
    told = chosen(moved.traffic, only)
    if "role" in chunk.by:
        facts["dram_bytes_by_role"][at] = told.sum(axis=(0, 2))
    if "cause" in chunk.by:
        facts["dram_bytes_by_cause"][at] = told.sum(axis=(0, 1))
    for column, rate in enumerate(chunk.rates):
        compute: list[int] | None = None
        for row, bandwidth in enumerate(chunk.bandwidths):
            on = machine.with_overrides(bandwidth=bandwidth, macs=rate)
            try:
                durations = steps(program, moved, on, compute)
            except MemsimError as error:
                outcome.errors.append((at, row, column, str(error)))
                continue
            compute = durations.compute
            end = compiled_recurrence(durations).end
            stall = end - sum(compute)
            place = at, row, column
            facts["time_ps"][place], facts["time_s"][place] = end, end / PICOSECONDS
            facts["stall_ps"][place], facts["stall_s"][place] = stall, stall / PICOSECONDS


def _pass(programs: Mapping[str, Program], machine: Machine) -> tuple[Program, CachePass]:
    """The program that moves least there, and what it moves."""
    if len(programs) == 1:
        (program,) = programs.values()
        return program, cache_pass(program, machine.cache)
    name, moved = best_pass(programs, machine.cache)
    return programs[name], moved


def _traffic(
    program: Program, moved: CachePass, machine: Machine, only: Part | None
) -> dict[str, float]:
    told = chosen(moved.traffic, only)
    read, written = int(read_bytes(told).sum()), int(write_bytes(told).sum())
    weights = int(told[:, Role.WEIGHT].sum())
    whole, onchip = int(moved.traffic.sum()), int(program.touch_bytes.sum())
    energy = with_sum(
        {
            "energy_dram_j": joules(whole, machine.dram_pj_per_byte),
            "energy_onchip_j": joules(onchip, machine.onchip_pj_per_byte),
            "energy_mac_j": mac_joules(program, machine),
        }
    )
    known = {
        name: np.nan if energy[name] is None else energy[name]
        for name in ("energy_j", "energy_dram_j")
    }
    return {
        "dram_bytes": read + written,
        "dram_read_bytes": read,
        "dram_write_bytes": written,
        "dram_weight_bytes": weights,
        "dram_feature_map_bytes": read + written - weights,
        "peak_live_activation_bytes": int(program.live_bytes.max(initial=0)),
        **known,  # type: ignore[dict-item]  # no None is left
    }
