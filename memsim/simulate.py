"""From a network and a machine to a result: the way through the house, once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, Unpack

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.replay import replay
from memsim.engines.clock.steps import Steps, Timeline, steps
from memsim.errors import InputError
from memsim.machine import Machine, load_machine
from memsim.network.graph import Network
from memsim.program import Program, build
from memsim.program.lowering import on_library
from memsim.program.memory.allocator import ALLOCATORS
from memsim.registry import Registry
from memsim.results.run import Result
from memsim.units import Quantity, parse_bytes

if TYPE_CHECKING:
    from memsim.program.library.onednn.runtime import Runtime
    from memsim.results.comparison import Comparison
    from memsim.results.curve import CurveResult
    from memsim.results.pytorch import PytorchTraffic

SIZES = ("256KiB", "512KiB", "1MiB", "2MiB", "4MiB", "8MiB", "16MiB", "32MiB")
"""Last-level caches that :func:`pytorch_traffic` looks at by default."""

CLOCKS: Registry[Callable[[Steps], Timeline]] = Registry("clock")
"""What tells when things happen: (steps) -> timeline."""

CLOCKS.add("replay", replay)
CLOCKS.add("recurrence", recurrence)

Source = Network | str | os.PathLike[str]
"""A network, the name of a shipped one, or a file that :func:`memsim.load` reads."""


class Options(TypedDict, total=False):
    """What a simulation can be told; everything has a default.

    Attributes
    ----------
    machine : Machine, str or path
        A machine, the name of a preset (``edge``), or a machine file. What follows overrides it.
    cache, buffer : str or int
        Bytes, such as ``"2MB"`` (2,000,000) or ``"2MiB"``; 0 is the limit without reuse.
    bandwidth : str or number
        Peak DRAM bandwidth, ``"25.6GB/s"``.
    macs : str or number
        Compute rate, ``"0.5TMAC/s"``.
    policy, management : str
        Replacement policy; ``scratchpad`` or ``hardware``.
    ways : int
        Lines of a set of a hardware cache; 0 for fully associative.
    fetch_on_write : bool
        Whether a write that misses a hardware cache fetches its line.
    lowering : str
        ``eager``, ``fused`` (the default) or ``concat_free``.
    schedule, order, tile : str
        Order of the tasks, inside a kernel too (``rows_outer``, ``weights_outer``, or ``best``
        of the two for the whole program); ``whole`` for one task per kernel.
    layout, allocator : str
        ``nchw`` or ``nhwc``; ``caching``, ``arena`` or ``fresh``: where feature maps lie, which
        a hardware cache sees.
    """

    machine: Machine | str | os.PathLike[str]
    cache: Quantity | None
    bandwidth: Quantity | None
    macs: Quantity | None
    buffer: Quantity | None
    policy: str | None
    management: str | None
    ways: int | None
    fetch_on_write: bool | None
    lowering: str
    schedule: str
    order: str
    tile: str
    layout: str | None
    allocator: str | None


OVERRIDES = (
    "cache",
    "bandwidth",
    "macs",
    "buffer",
    "policy",
    "management",
    "ways",
    "fetch_on_write",
    "layout",
    "allocator",
)
"""The options that change the machine; the others but ``machine`` are the program's."""


BEST = "best"
"""The task order that is chosen, of all there are, by the traffic it causes."""


def prepare(network: Source, **options: Unpack[Options]) -> tuple[Program, Machine]:
    """The program and the machine that options describe.

    Order ``best`` is decided at the machine's cache.

    Raises
    ------
    InputError, SimulationError
        As :func:`run`.
    TypeError
        For an option that does not exist.
    """
    candidates, machine = prepare_all(network, **options)
    if len(candidates) == 1:
        return next(iter(candidates.values())), machine
    from memsim.engines.curve.envelope import best_pass

    chosen, _ = best_pass(candidates, machine.cache)
    program = candidates[chosen]
    return replace(program, options={**program.options, "order": BEST, "best": chosen}), machine


def prepare_all(network: Source, **options: Unpack[Options]) -> tuple[dict[str, Program], Machine]:
    """As :func:`prepare`; several programs, by their task order, where the order is ``best``."""
    if not isinstance(network, Network):
        from memsim.formats import load

        network = load(network)
    given = dict(options)
    machine = given.pop("machine", "edge")
    if not isinstance(machine, Machine):
        machine = load_machine(machine)  # type: ignore[arg-type]  # TypedDict.pop knows no types
    changes = {name: given.pop(name, None) for name in OVERRIDES}
    machine = machine.with_overrides(**changes)  # type: ignore[arg-type]  # as above
    ALLOCATORS[machine.cache.allocator]  # an unknown name is an error before any work
    given["buffer"] = machine.buffer_bytes
    if machine.compute.kernels is not None:
        lowering = str(given.get("lowering", "fused"))
        given["lowering"] = on_library(lowering, machine.compute.kernels)
    if given.get("order") == BEST:
        from memsim.engines.curve.envelope import candidate_programs

        del given["order"]
        return candidate_programs(network, **given), machine
    program = build(network, **given)  # type: ignore[arg-type]  # as above
    return {str(program.options["order"]): program}, machine


def run(network: Source, *, clock: str = "replay", **options: Unpack[Options]) -> Result:
    """Simulate one inference: DRAM traffic and time.

    Parameters
    ----------
    network : Network, str or path
        A network, the name of a shipped one, or a file that :func:`memsim.load` reads.
    clock : str
        ``replay`` (the SimPy model) or ``recurrence`` (the same time in closed form).
    **options
        See :class:`Options`: ``machine``, ``cache``, ``bandwidth``, ``macs``, ``buffer``,
        ``policy``, ``management``, ``ways``, ``fetch_on_write``, ``lowering``, ``schedule``,
        ``order``, ``tile``, ``layout``, ``allocator``.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        For a name, a file or a number that is wrong.
    SimulationError
        If the machine cannot run the network: its buffers do not hold the smallest tile.

    Examples
    --------
    >>> import memsim
    >>> small = memsim.run("hardnet68", cache="256KiB")
    >>> large = memsim.run("hardnet68", cache="2MiB")
    >>> large.dram_bytes < small.dram_bytes
    True
    """
    tell_time = CLOCKS[clock]
    program, machine = prepare(network, **options)
    traffic = cache_pass(program, machine.cache)
    durations = steps(program, traffic, machine)
    return Result(program, machine, traffic, durations, tell_time(durations))


def curve(
    network: Source, *, sizes: Sequence[Quantity] = (), **options: Unpack[Options]
) -> CurveResult:
    """Find the DRAM traffic of one inference at EVERY cache size, exactly, in one pass.

    Parameters
    ----------
    network : Network, str or path
        As in :func:`run`.
    sizes : sequence of str or int
        Cache sizes at which the time is found as well.
    **options
        As in :func:`run`; the cache may be a scratchpad or fully associative hardware, with
        LRU replacement.

    Returns
    -------
    CurveResult

    Raises
    ------
    InputError, SimulationError
        As :func:`run`.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.curve("hardnet68", sizes=["256KiB", "2MiB"])
    >>> [point.dram_bytes for point in result.points] == [
    ...     memsim.run("hardnet68", cache=size).dram_bytes for size in ("256KiB", "2MiB")]
    True
    """
    from memsim.results.curve import CurveResult

    programs, machine = prepare_all(network, **options)
    first, *others = programs.items()
    chosen = tuple(parse_bytes(size) for size in sizes)
    return CurveResult(first[1], machine, chosen, dict(others))


def compare(networks: Iterable[Source] | str, **options: Unpack[Options]) -> Comparison:
    """Simulate several networks on one machine.

    Parameters
    ----------
    networks : iterable of Network, str or path
        At least one; a single name stands for itself.
    **options
        As for :func:`memsim.run`: ``machine``, ``cache``, ``lowering`` and so on.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        For no network at all, and as :func:`memsim.run`.

    Examples
    --------
    >>> import memsim
    >>> found = memsim.compare(["hardnet68", "densenet121"], cache="2MB")
    >>> [round(each.shortcut_share, 3) for each in found.contenders]
    [0.031, 0.205]
    """
    from memsim.results.comparison import Comparison, Contender

    if isinstance(networks, str):
        networks = [networks]
    contenders = tuple(Contender(run(network, **options)) for network in networks)
    if not contenders:
        raise InputError("there is no network to compare")
    return Comparison(contenders)


def pytorch_traffic(
    network: Source,
    mode: str = "fused",
    sizes: Sequence[Quantity] = SIZES,
    *,
    ways: int = 16,
    runtime: Runtime | None = None,
) -> PytorchTraffic:
    """Predict the DRAM traffic of PyTorch inference on a CPU, for every cache size at once.

    PyTorch 2.13 with oneDNN 3.12 on AVX2, one thread, one image, fp32. The caches are a first
    level of 32 KiB with 8 ways and the last level, both LRU, write-back, write-allocate with
    fetch, in lines of 64 bytes. Unlike :func:`memsim.run`, this follows one library's kernels:
    their loops, their scratch memory and the heap; see :mod:`memsim.program.library.onednn`.

    Parameters
    ----------
    network : Network, str or path
        As in :func:`memsim.run`.
    mode : str
        ``eager``: every operator its own kernel on nchw maps, which oneDNN reorders, and weights
        that it packs, on every call. ``fused``: batch norms folded, activations fused, weights
        packed once, channels last.
    sizes : sequence of str or int
        Of the last level.
    ways : int
        Of the last level.
    runtime : Runtime, optional
        What the process touches besides tensors, and how it runs.

    Returns
    -------
    PytorchTraffic

    Raises
    ------
    InputError
        For an unknown mode, or a size that is no whole number of sets.
    SimulationError
        For another batch or data type.

    Examples
    --------
    >>> import memsim
    >>> network = memsim.load("resnet18").with_options(input_shape=(3, 32, 32))
    >>> eager = memsim.pytorch_traffic(network, "eager", ["1MiB"])
    >>> fused = memsim.pytorch_traffic(network, "fused", ["1MiB"])
    >>> bool(fused.read_bytes[0] + fused.write_bytes[0] < eager.read_bytes[0])
    True
    """
    from memsim.engines.cache.levels import Levels, two_levels
    from memsim.program.library.onednn import FORWARDS
    from memsim.program.library.onednn.runtime import Runtime
    from memsim.results.pytorch import PytorchTraffic

    forward_of = FORWARDS[mode]
    if not isinstance(network, Network):
        from memsim.formats import load

        network = load(network)
    levels = Levels(tuple(parse_bytes(size) for size in sizes), ways)
    forward = forward_of(network, runtime or Runtime())
    passes = (forward.cold, forward.steady)
    misses = two_levels(passes, len(forward.calls), levels)
    return PytorchTraffic(
        network.name, mode, tuple(levels.sizes), levels.line, tuple(forward.calls), misses
    )
