"""The verb ``microscope``: a cache, task by task, under two policies side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from memsim.engines.cache.cachepass import cache_pass
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.clock.compiled_recurrence import compiled_recurrence
from memsim.engines.clock.demand import LONG
from memsim.engines.clock.recurrence import recurrence
from memsim.engines.clock.steps import steps
from memsim.errors import InputError, Problem
from memsim.results.run import Result
from memsim.simulate.heed import refuse
from memsim.simulate.options import Options
from memsim.simulate.preparation import prepare
from memsim.simulate.source import Source

if TYPE_CHECKING:
    from memsim.results.moments.microscope import Microscope


def microscope(network: Source, **options: Unpack[Options]) -> Microscope:
    """Look into a cache task by task: what comes, what is dead, what is evicted and by whom.

    LRU and Belady are looked at side by side, on the same program and machine.

    Parameters
    ----------
    network : Network, str or path
        As in :func:`memsim.run`.
    **options
        See :class:`memsim.simulate.Options`; the cache is a scratchpad.

    Returns
    -------
    Microscope
        Printing it tells who evicts whom; :func:`memsim.page.microscope.microscope_page` makes it
        a page, and :func:`memsim.plot.film` a film.

    Raises
    ------
    InputError
        For a cache that does not know what is dead, and as :func:`memsim.run`.
    SimulationError
        As :func:`memsim.run`.

    Examples
    --------
    >>> import memsim
    >>> seen = memsim.microscope("patterns/harmonic", cache="128KiB", machine="textbook")
    >>> seen.results["belady"].dram_bytes < seen.results["lru"].dram_bytes
    True
    >>> first = seen.evictions("lru")[0]
    >>> first["tensor"], first["evicted_at"]
    ('block1.16.conv.weight', 'block1.16.conv')
    """
    from memsim.results.moments.microscope import POLICIES, Microscope

    refuse("microscope", options)
    program, machine = prepare(network, "microscope", **options)
    if not MANAGEMENTS[machine.cache.management].knows_lifetimes:
        message = f"the cache of {machine.name} is {machine.cache.management}, which cannot know "
        hint = "management scratchpad, or another machine"
        raise InputError(Problem(message + "what is dead", path="management", hint=hint))
    tell_time = compiled_recurrence if program.tasks > LONG else recurrence
    results = {}
    for policy in POLICIES:
        told = machine.with_overrides(policy=policy)
        traffic = cache_pass(program, told.cache)
        durations = steps(program, traffic, told)
        results[policy] = Result(program, told, traffic, durations, tell_time(durations))
    return Microscope(results)
