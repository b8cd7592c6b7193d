"""From a network and a machine to a result: the way through the house, once."""

from __future__ import annotations

import os
from collections.abc import Callable

from memsim.engines.cachepass import cache_pass
from memsim.engines.recurrence import recurrence
from memsim.engines.replay import replay
from memsim.engines.steps import Steps, Timeline, steps
from memsim.machine import Machine, load_machine
from memsim.network.graph import Network
from memsim.program import build
from memsim.registry import Registry
from memsim.results import Result
from memsim.units import Quantity

CLOCKS: Registry[Callable[[Steps], Timeline]] = Registry("clock")
"""What tells when things happen: (steps) -> timeline."""

CLOCKS.add("replay", replay)
CLOCKS.add("recurrence", recurrence)


def run(
    network: Network | str | os.PathLike[str],
    *,
    machine: Machine | str | os.PathLike[str] = "edge",
    cache: Quantity | None = None,
    bandwidth: Quantity | None = None,
    macs: Quantity | None = None,
    buffer: Quantity | None = None,
    policy: str | None = None,
    management: str | None = None,
    lowering: str = "fused",
    schedule: str = "layer_by_layer",
    order: str = "rows_outer",
    tile: str = "auto",
    clock: str = "replay",
) -> Result:
    """Simulate one inference: DRAM traffic and time.

    Parameters
    ----------
    network : Network, str or path
        A network, the name of a shipped one, or a file that :func:`memsim.load` reads.
    machine : Machine, str or path
        A machine, the name of a preset, or a machine file.
    cache, buffer : str or int, optional
        Bytes, such as ``"2MB"`` (2,000,000) or ``"2MiB"``; 0 is the limit without reuse.
    bandwidth : str or number, optional
        Peak DRAM bandwidth, ``"25.6GB/s"``.
    macs : str or number, optional
        Compute rate, ``"0.5TMAC/s"``.
    policy, management : str, optional
        Replacement policy; ``scratchpad``.
    lowering : str
        ``eager``, ``fused`` or ``concat_free``.
    schedule, order, tile : str
        Order of the tasks, inside a kernel too; ``whole`` for one task per kernel.
    clock : str
        ``replay`` (the SimPy model) or ``recurrence`` (the same time in closed form).

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
    if not isinstance(network, Network):
        from memsim.formats import load

        network = load(network)
    if not isinstance(machine, Machine):
        machine = load_machine(machine)
    machine = machine.with_overrides(cache, bandwidth, macs, buffer, policy, management)
    tell_time = CLOCKS[clock]
    program = build(
        network,
        buffer=machine.buffer_bytes,
        lowering=lowering,
        schedule=schedule,
        order=order,
        tile=tile,
    )
    traffic = cache_pass(
        program, machine.cache_bytes, machine.cache.policy, machine.cache.management
    )
    durations = steps(program, traffic, machine)
    return Result(program, machine, traffic, durations, tell_time(durations))
