"""The facts of a chunk: what a worker does."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.errors import InputError, MemsimError
from memsim.machine import DEFAULT_MACHINE
from memsim.network.graph import Network
from memsim.program.parts import compulsory, part
from memsim.results.configuration import resolved
from memsim.results.grid import Grid
from memsim.simulate.preparation import machine_of, prepare_all
from memsim.simulate.source import load_on
from memsim.sweeps.chunk import ALL, Chunk, Outcome
from memsim.sweeps.facts import INNER, SPLITS, split_facts
from memsim.units import PICOSECONDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["compute", "loaded", "nothing"]


class _Held(threading.local):
    """What a worker keeps from one chunk to the next: one network and the programs of one group."""

    network: tuple[str, Network] | None = None
    group: tuple[str, Grid] | None = None


_held = _Held()


def compute(chunk: Chunk) -> Outcome:
    """Find the facts of every point of a chunk; what fails is part of the outcome."""
    outcome = nothing(chunk)
    try:
        grid = _prepared(chunk)
        _of_group(chunk, grid, outcome)
        try:
            _all_at_once(chunk, grid, outcome)
        except MemsimError:
            _one_by_one(chunk, grid, outcome)
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
    if chunk.network is not None:
        return chunk.network
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


def _prepared(chunk: Chunk) -> Grid:
    key = chunk.group
    held = _held.group
    if held is None or held[0] != key:
        _held.group = None  # two programs at a time are one too many
        options: Any = dict(chunk.options)
        only = part(options.pop("only", None))
        programs, machine = prepare_all(loaded(chunk), "sweep", **options)
        _held.group = held = key, Grid(programs, machine, only)
    return held[1]


def _shape(chunk: Chunk, inner: tuple[str, ...], split: str) -> tuple[int, ...]:
    sizes: Mapping[str, tuple[Any, ...]] = {
        "cache": chunk.capacities,
        "bandwidth": chunk.bandwidths,
        "macs": chunk.rates,
    }
    parts = (len(SPLITS[split]),) if split else ()
    return tuple(len(sizes[name]) for name in inner) + parts


def _of_group(chunk: Chunk, grid: Grid, outcome: Outcome) -> None:
    """What is the same at every capacity."""
    program = next(iter(grid.programs.values()))
    network, facts = program.network, outcome.facts
    facts["network_macs"][()] = network.macs
    facts["network_params"][()] = network.params
    facts["network_cio_elements"][()] = network.cio
    facts["compulsory_bytes"][()] = sum(compulsory(program, grid.only))
    config = resolved(program, grid.machine)
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


def _all_at_once(chunk: Chunk, grid: Grid, outcome: Outcome) -> None:
    """The facts of all points."""
    sizes, bandwidths, rates = _axes(chunk, grid)
    _enter(chunk, grid.facts(sizes, bandwidths, rates), outcome, (slice(None),) * 3)


def _one_by_one(chunk: Chunk, grid: Grid, outcome: Outcome) -> None:
    """The same where some points fail, to tell which."""
    sizes, bandwidths, rates = _axes(chunk, grid)
    for at, size in enumerate(sizes):
        for row, bandwidth in enumerate(bandwidths or [None]):
            for column, rate in enumerate(rates or [None]):
                try:
                    facts = grid.facts(
                        [size],
                        None if bandwidth is None else [bandwidth],
                        None if rate is None else [rate],
                    )
                except MemsimError as error:
                    outcome.errors.append((at, row, column, str(error)))
                else:
                    place = (slice(at, at + 1), slice(row, row + 1), slice(column, column + 1))
                    _enter(chunk, facts, outcome, place)


def _axes(
    chunk: Chunk, grid: Grid
) -> tuple[list[int], list[Fraction] | None, list[Fraction] | None]:
    """Capacities, bandwidths and rates as a grid takes them."""
    sizes = [grid.machine.cache_bytes if each is None else each for each in chunk.capacities]
    bandwidths = [each for each in chunk.bandwidths if each is not None]
    rates = [each for each in chunk.rates if each is not None]
    return sizes, bandwidths or None, rates or None


def _enter(
    chunk: Chunk, found: Mapping[str, Any], outcome: Outcome, place: tuple[slice, ...]
) -> None:
    """Copy facts of a grid to their place among those of the chunk."""
    split = found["by_role_and_cause"]
    told = {
        **found,
        "time_s": _seconds(found["time_ps"]),
        "stall_s": _seconds(found["stall_ps"]),
        "dram_bytes_by_role": split.sum(axis=-1) if "role" in chunk.by else None,
        "dram_bytes_by_cause": split.sum(axis=-2) if "cause" in chunk.by else None,
    }
    for name, fact in split_facts(chunk.by).items():
        if fact.inner:
            depends = [axis in fact.inner for axis in INNER]
            column = told[name][tuple(slice(None) if kept else 0 for kept in depends)]
            where = tuple(each for each, kept in zip(place, depends, strict=True) if kept)
            outcome.facts[name][where] = column


def _seconds(picoseconds: Ints) -> Any:
    """The quotients as Python divides, which is exact before it rounds."""
    if picoseconds.max(initial=0) < 2**53:
        return picoseconds / PICOSECONDS
    flat = [each / PICOSECONDS for each in picoseconds.ravel().tolist()]
    return np.array(flat).reshape(picoseconds.shape)
