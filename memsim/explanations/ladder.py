"""The verb ``bounds``: what no policy can go below, and the ladder of runs that come near it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Unpack

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.clock.compiled_recurrence import compiled_recurrence
from memsim.engines.clock.demand import LONG
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.steps import steps
from memsim.errors import InputError, SimulationError
from memsim.explanations.question import Question
from memsim.program.parts import Part, part
from memsim.progress import counted
from memsim.results.details.figures import Figures, Ladder, Rung
from memsim.results.optimality import Optimality
from memsim.results.run import Result
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options
from memsim.simulate.preparation import BEST, NONE, prepare
from memsim.simulate.source import Source
from memsim.simulate.verbs import run

__all__ = ["bounds", "bounds_of", "ladder"]


SEARCHED = ("pinned", "layer order", "depth first")
"""The rungs that search."""


def bounds(network: Source, *, only: str | None = None, **options: Unpack[Options]) -> Optimality:
    """Find how far replacement policies are from what no policy can go below.

    Parameters
    ----------
    network : Network, str or path
        As in :func:`memsim.run`.
    only : str, optional
        As in :func:`memsim.run`; the bound is one of this part then, in a cache of its own.
    **options
        See :class:`memsim.simulate.Options`; the cache is a scratchpad.

    Returns
    -------
    Optimality
        Policies and bounds, and the ladder, whose runs are made when it is first asked for.

    Raises
    ------
    InputError
        For a cache that does not know what is still needed, and as :func:`memsim.run`.
    SimulationError
        As :func:`memsim.run`.

    Examples
    --------
    >>> import memsim
    >>> bounds = memsim.bounds("resnet18", cache="500kB")
    >>> bounds.compulsory_bytes < bounds.policies["belady"] < bounds.policies["lru"]
    True
    >>> bounds.ladder["pinned"].command
    'memsim run resnet18 --cache 500kB --policy pinned'
    """
    return bounds_of(Question(network, {}, options), only)


def bounds_of(question: Question, only: str | None = None) -> Optimality:
    """What :func:`bounds` returns, for a question that is known as a whole."""
    refuse("bounds", question.options)
    told = part(only)
    program, machine = prepare(question.network, "bounds", **question.options)
    return Optimality(program, machine, told, lambda found: ladder(question, told, found))


def ladder(question: Question, only: Part | None = None, known: Optimality | None = None) -> Ladder:
    """Run each rung that the question's options leave room for.

    Parameters
    ----------
    question : Question
    only : Part, optional
    known : Optimality, optional
        The same question's program and passes, which need not be found again.

    Examples
    --------
    >>> [rung.name for rung in ladder(Question("resnet18", {}, {"cache": "500kB"})).rungs]
    ['no cache', 'lru', 'belady', 'pinned', 'layer order', 'depth first']
    """
    rungs: list[Rung] = []
    without: dict[str, str] = {}
    for name, options in counted(list(_rungs(question)), "rungs of the ladder"):
        asked = replace(question, options=options, loaded=question.network)
        command = asked.command() + ("" if only is None else f" --only {only.value}")
        if name in SEARCHED and known is not None and not known.is_searched:
            without[name] = f"takes minutes of search for so many accesses ({command})"
            continue
        try:
            result = _known(known, question, options) or run(
                asked.network, clock="recurrence", only=only, **options
            )
        except (InputError, SimulationError) as error:
            if name in ("no cache", "lru"):
                raise
            without[name] = str(error)
            continue
        rungs.append(Rung(name, Figures.of(result, command)))
    return Ladder(tuple(rungs), without)


def _known(known: Optimality | None, question: Question, options: dict[str, Any]) -> Result | None:
    """The run of a rung that differs in the cache alone; None where it has to be made.

    A program that was chosen for the cache may be another one for another cache.
    """
    if known is None or known.program.chosen_for_cache:
        return None
    asked = {name: each for name, each in question.options.items() if each not in (None, ())}
    other = {name for name in {*asked, *options} if asked.get(name) != options.get(name)}
    if not other <= {"cache", "policy", "library"}:
        return None
    changed = {name: options[name] for name in ("cache", "policy") if name in options}
    program, machine = known.program, known.machine.with_overrides(**changed)
    if machine.cache_bytes == known.machine.cache_bytes:
        traffic = known.passes[machine.cache.policy]
    else:
        traffic = cache_pass(program, machine.cache)
    durations = steps(program, traffic, machine)
    tell_time = compiled_recurrence if program.tasks > LONG else recurrence
    return Result(program, machine, traffic, durations, tell_time(durations), known.only)


def _rungs(question: Question) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each rung is called, and the options of its run."""
    options = {name: value for name, value in question.options.items() if value not in (None, ())}
    machine = question.machine
    if machine.program.library != NONE:
        options["library"] = NONE

    def policy(name: str) -> dict[str, Any]:
        same = machine.cache.policy == name
        return {**options} if same else {**options, "policy": name}

    yield "no cache", {**policy("lru"), "cache": 0}
    yield "lru", policy("lru")
    yield "belady", policy("belady")
    yield "pinned", policy("pinned")
    if "layer_order" not in options:
        yield "layer order", {**policy("lru"), "layer_order": "min_traffic"}
    if options.get("groups") != "auto":
        left_out = ["group", "strip", *(["order"] if options.get("order") == BEST else [])]
        free = {name: value for name, value in policy("lru").items() if name not in left_out}
        yield "depth first", {**free, "schedule": "depth_first", "groups": "auto"}
