"""The verb: networks, budgets, and whether they are kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

from memsim.budgets.budget import STATIC, TIMED, Budget, budgets_of
from memsim.budgets.checked import Checked, Verdict
from memsim.errors import InputError, Problem
from memsim.machine import DEFAULT_MACHINE, Machine
from memsim.network.graph import Network
from memsim.program.parts import part
from memsim.results.inverse.goal import ENERGY, TRAFFIC
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options
from memsim.simulate.preparation import machine_of
from memsim.simulate.source import Source, network_of
from memsim.simulate.verbs import run

__all__ = ["asked_budgets", "check", "verdicts"]


def check(
    networks: Source | Iterable[Source],
    budgets: Sequence[str] | str,
    *,
    only: str | None = None,
    **options: Unpack[Options],
) -> Checked:
    """Tell whether networks keep to budgets.

    Parameters
    ----------
    networks : Network, str or path, or several
        As in :func:`memsim.run`.
    budgets : str or sequence of str
        ``80MB@1MiB``: the most DRAM traffic with a cache of 1 MiB; ``10ms@2MiB/25.6GB/s``: the
        longest time, at a bandwidth; the unit says of what. ``30fps`` is the fewest inferences per
        second, ``20mJ`` the most energy, ``2GMACs`` and ``5Mparams`` are of the network alone. What
        a budget does not say is the machine's, or as options say.
    only : str, optional
        As in :func:`memsim.run`, of the traffic.
    **options
        See :class:`memsim.simulate.Options`.

    Returns
    -------
    Checked

    Raises
    ------
    InputError
        For a budget that cannot be read, an option that changes none, an energy that the machine
        does not tell, and as :func:`memsim.run`; all of budgets and options before any work.
    SimulationError
        As :func:`memsim.run`.

    Examples
    --------
    >>> import memsim
    >>> checked = memsim.check("hardnet68", ["150MB@1MiB", "1ms@1MiB/25.6GB/s"])
    >>> [verdict.kept for verdict in checked.verdicts]
    [True, False]
    """
    asked, machine = asked_budgets(budgets, only, options)
    if isinstance(networks, Network | str | os.PathLike):
        networks = [networks]
    loaded = [network_of(network, machine) for network in networks]
    if not loaded:
        raise InputError("there is no network to keep to a budget")
    return Checked(
        tuple(
            verdict
            for network in loaded
            for verdict in verdicts(network, asked, machine, only, options)
        )
    )


def asked_budgets(
    budgets: Sequence[str] | str, only: str | None, options: Mapping[str, Any]
) -> tuple[tuple[Budget, ...], Machine]:
    """Find whatever is wrong with a question before any network is looked at.

    Returns
    -------
    budgets, machine
    """
    refuse("check", options, ("only",))
    part(only)
    asked = budgets_of(budgets)
    machine = machine_of(options.get("machine") or DEFAULT_MACHINE)
    given = {name for name, value in {**options, "only": only}.items() if value not in (None, ())}
    run_of = [budget for budget in asked if budget.of not in STATIC]
    timed = [budget for budget in asked if budget.of in TIMED]
    problems = []
    for name in sorted(given):
        if not run_of:
            message, hint = "changes nothing that a network alone tells", "leave it out"
        elif name == "cache" and all(budget.cache is not None for budget in run_of):
            message, hint = "changes nothing: every budget names its cache", "leave it out"
        elif name == "macs" and not timed:
            message, hint = "changes times alone, and no budget is of one", "leave it out"
        elif name == "bandwidth" and all(budget.bandwidth is not None for budget in timed):
            message, hint = "changes nothing: no budget depends on it", "leave it out"
        elif name == "only" and all(budget.of != TRAFFIC for budget in run_of):
            message, hint = "is of the traffic, and no budget is", "leave it out"
        else:
            continue
        problems.append(Problem(message, path=name, hint=hint))
    for budget in asked:
        if budget.of == ENERGY and machine.dram_pj_per_byte is None:
            message = f"{machine.name} tells no energy"
            at = f"budget {budget.text[:60]!r}"
            problems.append(Problem(message, at, "a machine that does, such as edge"))
    if problems:
        raise InputError(*problems)
    return asked, machine


def verdicts(
    network: Network,
    asked: Sequence[Budget],
    machine: Machine,
    only: str | None,
    options: Mapping[str, Any],
) -> Iterable[Verdict]:
    """Each budget's; what several ask for runs once."""
    runs: dict[tuple[Any, Any, Any], Any] = {}
    for budget in asked:
        if budget.of in STATIC:
            yield Verdict.of_network(network, machine.name, budget)
            continue
        told = only if budget.of == TRAFFIC else None
        key = (budget.cache, budget.bandwidth, told)
        if key not in runs:
            own = {"cache": budget.cache, "bandwidth": budget.bandwidth}
            changed = {name: value for name, value in own.items() if value is not None}
            runs[key] = run(network, only=told, **{**options, **changed})
        result = runs[key]
        if budget.of == ENERGY and result.totals["energy_j"] is None:
            message = f"{machine.name} tells no energy of {network.name}"
            raise InputError(Problem(message, f"budget {budget.text[:60]!r}"))
        yield Verdict.of_run(result, budget)
