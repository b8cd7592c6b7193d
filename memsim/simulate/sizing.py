"""The verb ``size``: which number of a machine keeps networks to a goal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Unpack

from memsim.errors import InputError, Problem, SimulationError, did_you_mean
from memsim.network.graph import Network
from memsim.program.parts import part
from memsim.progress import stage
from memsim.results.inverse.goal import ENERGY, TRAFFIC, WITHIN, Goal
from memsim.simulate.goals import goal_of
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options
from memsim.simulate.preparation import prepare_all
from memsim.simulate.source import Source
from memsim.units import Quantity

if TYPE_CHECKING:
    from memsim.results.inverse.smallest import Smallest
    from memsim.results.inverse.workload import Workload
    from memsim.results.size import SmallestCache

OVER = ("cache", "bandwidth", "macs")
"""What may be asked for."""

OWN = ("traffic", "within", "time", "fps", "stall", "energy", "over", "only")
"""What the verb can be told beyond :class:`memsim.simulate.Options`."""


def size(
    networks: Source | Iterable[Source],
    *,
    traffic: Quantity | None = None,
    within: Quantity | None = None,
    time: Quantity | None = None,
    fps: Quantity | None = None,
    stall: Quantity | None = None,
    energy: Quantity | None = None,
    over: str | None = None,
    only: str | None = None,
    **options: Unpack[Options],
) -> SmallestCache | Smallest:
    """Find the smallest cache, bandwidth or compute rate that keeps networks to a goal.

    Parameters
    ----------
    networks : Network, str or path, or several
        As in :func:`memsim.run`. Several are told each alone, each of them, and in turn: one after
        the other, where what they move and how long they take adds up.
    traffic : str or int
        The goal: most DRAM traffic, such as ``"80MB"``.
    within : str or float
        Instead: most traffic above compulsory in per cent, such as ``"10%"`` or ``10``.
    time : str or float
        Instead: the longest time, such as ``"10ms"``; a number counts seconds.
    fps : str or float
        Instead: the fewest inferences per second, such as ``30``.
    stall : str or float
        Instead: the largest part of the time that the compute engine waits, such as ``"5%"``.
    energy : str or float
        Instead: the most energy, such as ``"20mJ"``; of machines that tell one.
    over : str, optional
        ``cache`` (where left out), ``bandwidth`` or ``macs``: what is asked for.
    only : str, optional
        As in :func:`memsim.curve`; the limit of a traffic is one of the part, too.
    **options
        See :class:`memsim.simulate.Options`.

    Returns
    -------
    SmallestCache or Smallest
        The first for one network and a goal of its traffic.

    Raises
    ------
    InputError
        As :func:`memsim.run` and, over caches, :func:`memsim.curve`; unless exactly one goal is
        given; for what the goal does not depend on.
    SimulationError
        If one of the networks does not reach the goal with any number: with the best there is.

    Notes
    -----
    One byte, byte per second or MAC per second less fails. Of the traffic and the energy every
    larger cache keeps to the goal, too; of times every larger bandwidth and compute rate. A larger
    cache may write back later, just when a load is waited for, and so take longer: there the
    answer is the smallest of all caches at which traffic changes, with no byte to spare.
    Over compute rates a goal of stalls asks for the LARGEST rate, since a faster engine waits more.

    Examples
    --------
    >>> import memsim
    >>> found = memsim.size("hardnet68", within="10%")
    >>> memsim.run("hardnet68", cache=found.cache_bytes).dram_bytes <= found.limit_bytes
    True
    >>> memsim.run("hardnet68", cache=found.cache_bytes - 1).dram_bytes <= found.limit_bytes
    False
    >>> enough = memsim.size("hardnet68", time="20ms", over="bandwidth", machine="textbook").number
    >>> [memsim.run("hardnet68", machine="textbook", bandwidth=each).time_s <= 0.02
    ...  for each in (enough - 1, enough)]
    [False, True]
    """
    given = {"traffic": traffic, "within": within, "time": time, "fps": fps, "stall": stall,
             "energy": energy}  # fmt: skip
    goal, over, verb = check_options(given, over, only, options)
    if isinstance(networks, Network | str | os.PathLike):
        networks = [networks]
    asked = list(networks)
    if not asked:
        raise InputError("there is no network to size a machine for")
    workloads = [workload_of(network, verb, only, options) for network in asked]
    if over == "cache" and goal.name in (TRAFFIC, WITHIN) and len(workloads) == 1:
        from memsim.results.size import SmallestCache

        (workload,) = workloads
        return SmallestCache.of(workload.curve, goal.most_bytes([workload.at_rest(0)]))
    from memsim.results.inverse.smallest import smallest

    if goal.name == ENERGY:
        check_energy(workloads)
    with stage(f"search for the smallest {over}"):
        found = smallest(workloads, goal, over)
    check_reached(found, len(workloads))
    return found


def check_options(
    given: Mapping[str, Quantity | None], over: str | None, only: str | None, options: Options
) -> tuple[Goal, str, str]:
    """Find whatever is wrong with a question before any network is looked at.

    Returns
    -------
    goal, over, verb : Goal, str, str
        The last is the line of the table of verbs.
    """
    refuse("size", options, OWN)
    goal = goal_of(given)
    over = "cache" if over is None else over
    verb = check_question(goal, over, only)
    refuse(verb, options, OWN)
    return goal, over, verb


def workload_of(network: Source, verb: str, only: str | None, options: Options) -> Workload:
    """A network as it runs on the machine that options describe."""
    from memsim.results.inverse.workload import Workload

    programs, machine = prepare_all(network, verb, **options)
    told = part(only)
    if len(programs) > 1 and told is not None:
        message = "the best task order is that of all traffic, not of a part"
        hint = f"name one of {', '.join(programs)}"
        raise InputError(Problem(message, path="only", hint=hint))
    return Workload(programs, machine, told)


def check_question(goal: Goal, over: str, only: str | None) -> str:
    """Refuse what the goal does not depend on; return the line of the table of verbs.

    Raises
    ------
    InputError
        For a number that is not known, and one that changes nothing of the goal.
    """
    if over not in OVER:
        hint = did_you_mean(str(over), OVER) or f"one of {', '.join(OVER)}"
        raise InputError(Problem(f"{over!r} is nothing to ask for", path="over", hint=hint))
    if only is not None and goal.name not in (TRAFFIC, WITHIN):
        message = f"is a part of the traffic, and {goal.name} is of all of it"
        raise InputError(Problem(message, path="only", hint="leave it out"))
    if over != "cache" and not goal.is_timed:
        what = "energy" if goal.name == ENERGY else "traffic"
        message = f"no {what} depends on the {'bandwidth' if over == 'bandwidth' else 'MAC rate'}"
        hint = "over cache, or a goal of time, fps or stall"
        raise InputError(Problem(message, path="over", hint=hint))
    if over == "cache":
        return "size by time" if goal.is_timed else "size by traffic"
    return f"size of {over}"


def check_energy(workloads: Sequence[Workload]) -> None:
    """Refuse a machine that does not know the energy of a network."""
    problems = [
        Problem(
            f"{each.machine.name} does not tell the energy of {each.name}",
            path="energy",
            hint="a machine with dram.pj_per_byte, compute.onchip_pj_per_byte and "
            "compute.pj_per_mac, such as edge",
        )
        for each in workloads
        if each.at_rest(0).energy_j is None
    ]
    if problems:
        raise InputError(*problems)


def check_reached(found: Smallest, networks: int) -> None:
    """Tell of each network that does not reach the goal alone what is the best to be had.

    Raises
    ------
    SimulationError
        With a problem for each.
    """
    from memsim.results.sheets.smallest import told_best

    problems = [told_best(found, each) for each in found.answers[:networks] if each.number is None]
    if problems:
        raise SimulationError(*problems)
