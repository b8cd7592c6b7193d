"""The plan of a sweep: what there is to do, told before it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from memsim.engines.cache.managements import MANAGEMENTS
from memsim.errors import InputError, MemsimError, Problem
from memsim.machine import DEFAULT_MACHINE, Machine
from memsim.machine.machine import Overrides
from memsim.network.graph import Network
from memsim.simulate.heed import idle, idle_with
from memsim.simulate.preparation import BEST, machine_of
from memsim.sweeps.facts import INNER, split_facts
from memsim.sweeps.space import LOADING, Space
from memsim.sweeps.work import loaded

__all__ = ["Plan"]

DECIDES = ("machine", "policy", "management", "ways", "order", "library")
"""The axes that decide whether a curve serves all capacities."""

SECONDS_PER_LAYER, SECONDS_PER_PASS, SECONDS_PER_TIME = 0.6e-3, 0.12e-3, 12e-6
"""Of building a program; of a cache pass; of the time at one bandwidth and rate. Each per layer,
on one core of a processor of 2020: rough, and only told."""


@dataclass(frozen=True)
class Plan:
    """What a sweep has to do.

    Attributes
    ----------
    points, programs, passes : int
        A pass is a curve, which serves all capacities of a program, or a cache pass for one.
    curves : int
        How many of the passes are curves.
    singles : dict of str to int
        The passes at single capacities, by the reason why no curve serves them.
    seconds : float
        About how long it takes on one core.
    nbytes : int
        Of the dataset.

    Examples
    --------
    >>> from memsim.sweeps.space import space
    >>> plan = Plan.of(space("resnet18", cache="64KiB:1MiB:log2", policy="lru,fifo"))
    >>> plan.points, plan.programs, plan.curves, plan.passes, plan.singles
    (10, 2, 1, 6, {"a curve needs policy 'lru', the machine has 'fifo'": 5})
    """

    points: int
    programs: int
    passes: int
    curves: int
    singles: Mapping[str, int]
    seconds: float
    nbytes: int

    @classmethod
    def of(cls, space: Space) -> Plan:
        """Look at a sweep before any work; what can be known to be wrong is told here.

        Raises
        ------
        InputError
            For a network that cannot be read at all, a parameter that none of the networks has,
            and options that do nothing on every machine that is named.
        """
        layers = sum(map(len, _networks(space).values())) / len(space.networks)
        capacities = len(space.inner("cache"))
        curves, singles = 0, dict[str, int]()
        for reason, groups in _served(space):
            if not reason:
                curves += groups
            else:
                singles[reason] = singles.get(reason, 0) + groups * capacities
        programs, points = space.groups, space.points
        seconds = layers * (
            programs * SECONDS_PER_LAYER
            + programs * capacities * SECONDS_PER_PASS
            + points * SECONDS_PER_TIME
        )
        passes = curves + sum(singles.values())
        return cls(points, programs, passes, curves, singles, seconds, _nbytes(space))


def _nbytes(space: Space) -> int:
    """Of the facts: 8 bytes for each number."""
    outer = space.groups
    return sum(
        8 * outer * prod(len(space.inner(name)) for name in INNER if name in fact.inner)
        for fact in split_facts(space.by).values()
    )


def _networks(space: Space) -> dict[str, Network]:
    """Each network by itself, as far as it is said how all of it is loaded.

    Raises
    ------
    InputError
        If one cannot be read, or an axis of files suits none of them.
    """
    fixed = {
        name: each.values[0]
        for name, each in space.axes.items()
        if name in LOADING and not each.several
    }
    own = {each.name: each.values[0] for each in space.parameters if not each.several}
    first = next(iter(space))
    found: dict[str, Network] = {}
    problems: list[Problem] = []
    for name, source in space.networks.items():
        try:
            found[name] = loaded(
                _as(first, source, {**fixed, **({"parameters": own} if own else {})})
            )
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    _check_axes(space, first)
    return found


def _as(chunk: Any, source: Any, loading: dict[str, Any]) -> Any:
    from dataclasses import replace

    return replace(chunk, source=source, loading=loading)


def _check_axes(space: Space, first: Any) -> None:
    """Refuse an axis of files with none of whose values any of the networks can be loaded."""
    axes = [(each, each.name) for name, each in space.axes.items() if name in LOADING]
    tries: list[tuple[str, list[dict[str, Any]]]] = [
        (name, [{name: value} for value in each.values]) for each, name in axes
    ]
    tries += [
        (each.name, [{"parameters": {each.name: value}} for value in each.values])
        for each in space.parameters
    ]
    for _, ways in tries:
        error: MemsimError | None = None
        for loading, source in product(ways[:100], space.networks.values()):
            try:
                loaded(_as(first, source, loading))
            except MemsimError as failed:
                error = error or failed
            else:
                error = None
                break
        if error is not None:
            raise error


def _served(space: Space) -> Iterator[tuple[str, int]]:
    """Why no curve serves the capacities, empty where one does; and of how many programs.

    Raises
    ------
    InputError
        For options that do nothing in any of the combinations.
    """
    names = [name for name in DECIDES if name in space.axes]
    rest = space.groups // prod(len(space.axes[name]) for name in names)
    given = [name for name in space.axes if name not in ("network", "machine")]
    idles: list[list[Problem]] = []
    found: list[tuple[str, int]] = []
    for values in product(*(space.axes[name].values for name in names)):
        told = dict(zip(names, values, strict=True))
        machine = machine_of(told.pop("machine", DEFAULT_MACHINE))
        library = told.pop("library", machine.program.library)
        order = told.pop("order", machine.program.options.get("order"))
        machine = machine.with_overrides(**told)
        idles.append(_idle(machine, library, given))
        found.append((_reason(machine, order), rest))
    if all(idles):
        raise InputError(*idles[0])
    yield from found


def _idle(machine: Machine, library: str, given: list[str]) -> list[Problem]:
    management = machine.cache.management
    heeds = MANAGEMENTS[management].heeds
    changes = [name for name in given if name in Overrides.__annotations__]
    return idle("sweep", changes, management, heeds, machine.name) + idle_with(library, given)


def _reason(machine: Machine, order: object) -> str:
    if order == BEST:
        return "order best chooses anew at every size"
    return MANAGEMENTS[machine.cache.management].one_pass(machine.cache)
