"""The verb ``design``: the machines that keep networks to a goal, none beaten by another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Unpack

from memsim.errors import InputError, Problem, SimulationError, at_path, did_you_mean
from memsim.network.graph import Network
from memsim.progress import stage
from memsim.readable import format_rate, format_time
from memsim.results.inverse.goal import FPS, TIME, Goal
from memsim.simulate.goals import goal_of
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options
from memsim.simulate.sizing import workload_of
from memsim.simulate.source import Source
from memsim.units import Quantity, parse_rate

if TYPE_CHECKING:
    from memsim.results.inverse.design import Design
    from memsim.results.inverse.workload import Workload

SRAM, BANDWIDTH, MACS = "sram", "bandwidth", "macs"
NUMBERS = (SRAM, BANDWIDTH, MACS)

OWN = ("time", "fps", "minimise", "each", "bandwidths", "mac_rates")
"""What the verb can be told beyond :class:`memsim.simulate.Options`."""

MOST = 300
"""Sizes that are looked at where each takes a whole cache pass."""

DOUBLINGS = range(-3, 4)
"""Powers of two of the machine's own MAC rate to choose from, where none are named."""


def design(
    networks: Source | Iterable[Source],
    *,
    time: Quantity | None = None,
    fps: Quantity | None = None,
    minimise: Sequence[str] | str = (SRAM, BANDWIDTH),
    each: bool = False,
    bandwidths: Sequence[Quantity] = (),
    mac_rates: Sequence[Quantity] = (),
    **options: Unpack[Options],
) -> Design:
    """Find the machines that keep networks to a goal, none of which another one beats.

    Parameters
    ----------
    networks : Network, str or path, or several
        As in :func:`memsim.run`; they run one after the other, once per frame.
    time, fps : str or float
        The goal, one of the two: the longest time, or the fewest frames per second.
    minimise : sequence of str
        Of ``sram`` (cache and buffers), ``bandwidth`` and ``macs``; the others stay as the machine
        has them, or as options say.
    each : bool
        Whether each network alone is to keep to the goal.
    bandwidths, mac_rates : sequence of str or number, optional
        Values of one of the two to choose from where both are minimised, since between them there
        is no end of machines; the other is found exactly. Left out: MAC rates an eighth to eight
        times the machine's own, in doublings.
    **options
        See :class:`memsim.simulate.Options`; the cache is LRU where SRAM is minimised.

    Returns
    -------
    Design

    Raises
    ------
    InputError
        For no goal or two, and what :func:`memsim.run` refuses.
    SimulationError
        If no machine does it, with the best there is.

    Notes
    -----
    The capacities are those at which the traffic of a network changes, all of them; at each the
    rate is the smallest in whole units. A machine that a smaller one equals is left out.

    Examples
    --------
    >>> import memsim
    >>> front = memsim.design(["resnet18", "mobilenetv2"], fps=60, machine="textbook")
    >>> point = front.points[0]
    >>> runs = [memsim.run(each, machine="textbook", cache=point.cache_bytes,
    ...                    bandwidth=point.bandwidth) for each in ("resnet18", "mobilenetv2")]
    >>> sum(run.time_ps for run in runs) <= 10**12 / 60
    True
    """
    given = {"time": time, "fps": fps}
    goal, minimised, choices = check_design(given, minimise, bandwidths, mac_rates, options)
    if isinstance(networks, Network | str | os.PathLike):
        networks = [networks]
    asked = list(networks)
    if not asked:
        raise InputError("there is no network to design a machine for")
    workloads = [workload_of(network, _verb(minimised), None, options) for network in asked]
    machine = workloads[0].machine
    if {BANDWIDTH, MACS} <= {*minimised} and not choices:
        own = machine.compute.macs_per_s.conv
        choices = {MACS: [own * Fraction(2) ** power for power in DOUBLINGS]}
    if SRAM in minimised:
        _check_sizes(workloads)
    from memsim.results.inverse.design import Design

    with stage(f"search for the least {' and '.join(minimised)}"):
        found = Design.of(workloads, goal, minimised, each, choices)
    if not found.points:
        from memsim.results.sheets.smallest import goal_text

        words = " and ".join(work.name for work in workloads)
        message = f"no {' and '.join(minimised)} keeps {words} to {goal_text(goal)}"
        message += _least(workloads, each)
        hint = "minimise macs, too, or raise what stays: the cache, the bandwidth or the MAC rate"
        raise SimulationError(Problem(message, hint=hint))
    return found


def _check_sizes(workloads: Sequence[Workload]) -> None:
    """Refuse caches whose traffic changes with every line, each of which takes a cache pass."""
    problems = [
        Problem(
            f"the traffic of {each.name} changes at {len(each.breakpoints):,} sizes of a cache of "
            f"lines, and each takes a cache pass: at most {MOST:,} are looked at",
            path="management",
            hint="a scratchpad, or ways 8: sizes of sets, which are fewer",
        )
        for each in workloads
        if not each.is_fast and len(each.breakpoints) > MOST
    ]
    if problems:
        raise InputError(*problems)


def _least(workloads: Sequence[Workload], each: bool) -> str:
    """What is sure to take long: computing at the machine's own rate."""
    times = [work.longest_computing_ps for work in workloads]
    least = format_time(max(times) if each else sum(times))
    rate = format_rate(workloads[0].machine.compute.macs_per_s.conv, "MAC")
    return f": computing alone takes {least} at {rate}"


def check_design(
    given: Mapping[str, Quantity | None],
    minimise: Sequence[str] | str,
    bandwidths: Sequence[Quantity],
    mac_rates: Sequence[Quantity],
    options: Options,
) -> tuple[Goal, tuple[str, ...], dict[str, list[Fraction]]]:
    """Find whatever is wrong with a question before any network is looked at.

    Returns
    -------
    goal, minimised, choices
        The last are the values of a rate that there are to choose from.
    """
    refuse("design", options, OWN)
    goal = goal_of(given, (TIME, FPS))
    names = minimise.split(",") if isinstance(minimise, str) else list(minimise)
    names = [str(name).strip() for name in names]
    with at_path("minimise"):
        for name in names:
            if name not in NUMBERS:
                hint = did_you_mean(name, NUMBERS) or f"of {', '.join(NUMBERS)}"
                raise InputError(Problem(f"{name!r} is nothing to minimise", hint=hint))
        if not names or len({*names}) < len(names):
            message = "name one or more, each once" if names else "there is nothing to minimise"
            raise InputError(Problem(message, hint=f"of {', '.join(NUMBERS)}"))
    minimised = tuple(name for name in NUMBERS if name in names)
    refuse(_verb(minimised), options, OWN)
    choices: dict[str, list[Fraction]] = {}
    for option, name, values in (
        ("bandwidths", BANDWIDTH, bandwidths), ("mac_rates", MACS, mac_rates),
    ):  # fmt: skip
        if not values:
            continue
        if not {BANDWIDTH, MACS} <= {*minimised}:
            message = "are values to choose from where bandwidth and macs are both minimised"
            raise InputError(Problem(message, path=option, hint="minimise sram,bandwidth,macs"))
        with at_path(option):
            choices[name] = [parse_rate(value, "B" if name == BANDWIDTH else "MAC")
                             for value in values]  # fmt: skip
    if len(choices) == 2:
        message = "of bandwidth and MAC rate one is found exactly, and both have values"
        raise InputError(Problem(message, path="mac_rates", hint="leave one out"))
    return goal, minimised, choices


def _verb(minimised: tuple[str, ...]) -> str:
    """The line of the table of verbs: what is minimised is no option."""
    return f"design of {' '.join(minimised)}"
