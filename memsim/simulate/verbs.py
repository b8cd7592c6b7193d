"""The verbs that simulate a machine: each takes networks and options, and returns a result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from memsim.engines.cache.cachepass import account, cache_pass, transfers
from memsim.engines.clock.compiled_recurrence import compiled_recurrence
from memsim.engines.clock.demand import LONG
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.replay import replay
from memsim.engines.clock.steps import Steps, Timeline, steps
from memsim.engines.compiled import plain_will_do
from memsim.errors import InputError, Problem, at_path
from memsim.network.graph import Network
from memsim.program.parts import Part, part
from memsim.progress import counted, stage
from memsim.registry import Registry
from memsim.results.run import Result
from memsim.simulate.heed import refuse
from memsim.simulate.options import RUN_OPTIONS, Options
from memsim.simulate.preparation import AUTO, prepare, prepare_all
from memsim.simulate.source import Source
from memsim.units import Quantity, parse_bytes

if TYPE_CHECKING:
    from memsim.results.comparison import Comparison
    from memsim.results.curve import CurveResult
    from memsim.results.memory import Memory

CLOCKS: Registry[Callable[[Steps], Timeline]] = Registry("clock")
"""What tells when things happen: (steps) -> timeline."""

CLOCKS.add("replay", replay)
CLOCKS.add("recurrence", recurrence)


def run(
    network: Source,
    *,
    clock: str | None = None,
    only: str | None = None,
    **options: Unpack[Options],
) -> Result:
    """Simulate one inference, or several in a row: DRAM traffic and time.

    Parameters
    ----------
    network : Network, str or path
        A network, the name of a shipped one, or a file that :func:`memsim.load` reads.
    clock : str, optional
        ``replay`` (the SimPy model) or ``recurrence`` (the same time in closed form). Where left
        out the replay, but of more than :data:`memsim.engines.clock.demand.LONG` tasks, and where
        the compiler is there already, the recurrence, compiled.
    only : str, optional
        ``feature-maps`` or ``weights``: tell the traffic of these alone.
    **options
        See :class:`memsim.simulate.Options`.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        For an option that does not exist, and a name, a file or a number that is wrong.
    SimulationError
        If the machine cannot run the network: its buffers do not hold the smallest tile.

    Examples
    --------
    >>> import memsim
    >>> small = memsim.run("hardnet68", cache="256KiB")
    >>> large = memsim.run("hardnet68", cache="2MiB")
    >>> large.dram_bytes < small.dram_bytes
    True
    >>> three = memsim.run("hardnet68", machine="textbook", cache="80MB", frames=3)
    >>> three.frames.steady.weight_bytes
    0
    """
    refuse("run", options, ["clock", "only"])
    told = part(only)
    tell_time = CLOCKS[RUN_OPTIONS["clock"].default if clock is None else clock]
    program, machine = prepare(network, **options)
    traffic = cache_pass(program, machine.cache)
    durations = steps(program, traffic, machine)
    if clock is None and not plain_will_do(program.tasks, LONG):
        tell_time = compiled_recurrence
    with stage("time of each task"):
        return Result(program, machine, traffic, durations, tell_time(durations), told)


def curve(
    network: Source,
    *,
    sizes: Sequence[Quantity] = (),
    only: str | None = None,
    bound: bool = False,
    **options: Unpack[Options],
) -> CurveResult:
    """Find the DRAM traffic of one inference at EVERY cache size, exactly, in one pass.

    Parameters
    ----------
    network : Network, str or path
        As in :func:`memsim.run`.
    sizes : sequence of str or int
        Cache sizes at which the time is found as well.
    only : str, optional
        As in :func:`memsim.run`; of one task order.
    bound : bool
        Tell as well what no program of the network goes below, see
        :class:`memsim.engines.bounds.any_program.AnyProgram`; of all traffic.
    **options
        See :class:`memsim.simulate.Options`; the cache may be a scratchpad or fully associative
        hardware, with LRU replacement.

    Returns
    -------
    CurveResult

    Raises
    ------
    InputError, SimulationError
        As :func:`memsim.run`.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.curve("hardnet68", sizes=["256KiB", "2MiB"])
    >>> [point.dram_bytes for point in result.points] == [
    ...     memsim.run("hardnet68", cache=size).dram_bytes for size in ("256KiB", "2MiB")]
    True
    """
    refuse("curve", options, ["sizes", "only"])
    with at_path("sizes"):
        chosen = tuple(parse_bytes(size) for size in sizes)
    bounds_all_of_it(bound, only)
    return replace(every_size(network, "curve", chosen, only=only, **options), bounded=bound)


def bounds_all_of_it(bound: bool, only: str | Part | None) -> None:
    """Refuse the bound on any program of one part of the traffic."""
    if bound and only is not None:
        message = "what no program goes below is of all traffic, not of a part"
        raise InputError(Problem(message, "bound", "leave out only, or bound"))


def every_size(
    network: Source,
    verb: str,
    sizes: tuple[int, ...] = (),
    *,
    only: str | None = None,
    **options: Unpack[Options],
) -> CurveResult:
    """What :func:`curve` returns, for a verb or a figure that heeds other options than it does.

    Parameters
    ----------
    network : Network, str or path
    verb : str
        A line of :data:`memsim.simulate.heed.VERBS`.
    sizes : tuple of int
        Bytes.
    only : str, optional
        As in :func:`curve`.
    **options
        See :class:`memsim.simulate.Options`.
    """
    from memsim.results.curve import CurveResult

    programs, machine = prepare_all(network, verb, **options)
    first, *others = programs.items()
    told = part(only)
    if others and told is not None:
        message = "the best task order is that of all traffic, not of a part"
        hint = f"name one of {', '.join(programs)}"
        if first[1].options.get("groups") == AUTO:
            message = "the best groups are those of all traffic, not of a part"
            hint = "groups by a pattern, or by hand"
        raise InputError(Problem(message, path="only", hint=hint))
    return CurveResult(first[1], machine, sizes, dict(others), only=told)


def run_each(network: Source, **options: Unpack[Options]) -> Result:
    """What :func:`run` tells, with every transfer at hand, which one cache pass finds as well.

    The time is that of the recurrence.

    Examples
    --------
    >>> import memsim
    >>> result = run_each("resnet18", cache="1MB")
    >>> result.totals == memsim.run("resnet18", cache="1MB").totals
    True
    >>> result.transfers is result.each
    True
    """
    program, machine = prepare(network, **options)
    each = transfers(program, machine.cache)
    traffic = account(program, each, machine.cache_bytes)
    durations = steps(program, traffic, machine)
    return Result(program, machine, traffic, durations, recurrence(durations), each=each)


def compare(
    networks: Iterable[Source] | Source,
    *,
    clock: str | None = None,
    only: str | None = None,
    **options: Unpack[Options],
) -> Comparison:
    """Simulate several networks on one machine.

    Parameters
    ----------
    networks : iterable of Network, str or path
        At least one; a single one stands for itself.
    clock, only, **options
        As in :func:`memsim.run`.

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
    >>> comparison = memsim.compare(["hardnet68", "densenet121"], cache="2MB")
    >>> [round(each.shortcut_share, 3) for each in comparison.contenders]
    [0.118, 0.507]
    """
    from memsim.results.comparison import Comparison, Contender

    refuse("compare", options, ["clock", "only"])
    if isinstance(networks, Network | str | os.PathLike):
        networks = [networks]
    contenders = tuple(
        Contender(run(network, clock=clock, only=only, **options))
        for network in counted(networks, "networks")
    )
    if not contenders:
        raise InputError("there is no network to compare")
    return Comparison(contenders)


def memory(network: Source, **options: Unpack[Options]) -> Memory:
    """Plan the memory of one inference: where every feature map lies, and how much is needed.

    Parameters
    ----------
    network : Network, str or path
        As in :func:`memsim.run`.
    **options
        See :class:`memsim.simulate.Options`; ``allocator`` gives the addresses.

    Returns
    -------
    Memory

    Raises
    ------
    InputError, SimulationError
        As :func:`memsim.run`.

    Examples
    --------
    >>> import memsim
    >>> memory = memsim.memory("hardnet68", allocator="arena")
    >>> memory.peak_live_bytes <= memory.plan.peak_bytes
    True
    """
    from memsim.results.memory import Memory

    return Memory(*prepare(network, "memory", **options))
