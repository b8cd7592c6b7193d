"""The verb: networks and axes in, a dataset out; nothing finished is computed again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memsim.errors import InputError, Problem
from memsim.simulate.source import Source
from memsim.sweeps import execute
from memsim.sweeps.chunk import Chunk, Outcome
from memsim.sweeps.dataset import Assembly
from memsim.sweeps.extras import needed
from memsim.sweeps.plan import Plan
from memsim.sweeps.space import Space, space
from memsim.sweeps.store import Store

if TYPE_CHECKING:
    import xarray

__all__ = ["Progress", "Runner", "carried_out", "sweep"]

WORTH_A_PROCESS = 4.0
"""Seconds of work on one core that another process is worth: it takes half a second to begin."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is.

    Attributes
    ----------
    done, points : int
        Points that are finished, and all of them.
    kept : int
        What of the finished ones was found in the store.
    failed : int
        What of them failed.
    """

    done: int
    points: int
    kept: int
    failed: int


@dataclass(frozen=True, slots=True)
class Runner:
    """Who computes: the fields are those of :func:`sweep`."""

    workers: int | None = None
    executor: Executor | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        given = [
            name for name in ("workers", "executor", "scheduler")
            if getattr(self, name) is not None
        ]  # fmt: skip
        if len(given) > 1:
            message = f"{' and '.join(given)} say each who computes"
            raise InputError(Problem(message, path=given[1], hint="name one"))
        if self.workers is not None and self.workers < 1:
            problem = Problem(f"{self.workers} is no number of processes", path="workers")
            raise InputError(problem)

    def run(self, chunks: Iterable[Chunk], plan: Plan, count: int) -> execute.Finished:
        """Compute chunks, of which there are at most so many."""
        if self.executor is not None:
            return execute.on_executor(self.executor, chunks)
        if self.scheduler is not None:
            return execute.on_scheduler(self.scheduler, chunks)
        workers = self.workers
        if workers is None:
            worth = int(plan.seconds / WORTH_A_PROCESS)
            workers = max(1, min(execute.cores(), count, worth))
        if workers == 1:
            return execute.serially(chunks)
        return execute.on_processes(chunks, workers)


def sweep(
    networks: Source | Iterable[Source] | Mapping[str, Source],
    *,
    parameters: Mapping[str, object] | None = None,
    by: str | Iterable[str] = (),
    workers: int | None = None,
    executor: Executor | None = None,
    scheduler: str | None = None,
    store: str | os.PathLike[str] | None = None,
    **options: object,
) -> xarray.Dataset:
    """Simulate networks along axes: any option of :func:`memsim.run` may have several values.

    Parameters
    ----------
    networks : Network, str or path; an iterable of them, or a mapping
        As in :func:`memsim.run`; a mapping gives each a name of its own.
    parameters : mapping, optional
        Parameters of the files, such as ``{"growth": "8:24:4"}``.
    by : str or iterable of str
        ``role`` and ``cause``: the traffic split by them as well.
    workers : int, optional
        Processes on this machine; where left out, as many as there is work for, up to one for
        each of its cores.
    executor : concurrent.futures.Executor, optional
        Who computes instead; it is not shut down.
    scheduler : str, optional
        The address of a Dask scheduler whose workers compute instead (needs the extra ``dask``).
    store : path, optional
        A folder in which finished chunks are kept: they are not computed again, neither by this
        sweep after a stop nor by another one that shares them.
    **options
        Axes: any option of :class:`memsim.simulate.Options`, and ``batch``, ``dtype``, ``input``,
        ``variant``, ``submodule`` and ``only``. A value that stands alone is one for all points;
        a list is an axis, and so is text such as ``"64KiB:32MiB:log2"``, ``"8:24:4"``,
        ``"1MB:64MB:20@log"`` or ``"1,8"``.

    Returns
    -------
    xarray.Dataset
        A dimension for ``network`` and each axis. Coordinates are numbers in bytes, bytes per
        second and MAC/s, or names. Data variables are named as in :meth:`memsim.Result.to_dict`,
        and equal what :func:`memsim.run` tells of the point. Where points failed, their numbers
        are NaN (so these variables are floats) and ``error`` says why. ``attrs`` hold what was
        asked, the resolved configuration and memsim's version.

    Raises
    ------
    InputError
        Before any work: for an axis that does not exist, is empty or cannot be read, more than
        10**9 points, a network that cannot be read, a scheduler that does not answer.

    Examples
    --------
    >>> import memsim
    >>> ds = memsim.sweep(["hardnet68", "resnet18"], cache="512KiB:2MiB:log2", bandwidth=["6.4GB/s",
    ...                   "25.6GB/s"], machine="textbook")
    >>> dict(ds.dram_bytes.sizes), dict(ds.time_s.sizes)
    ({'network': 2, 'cache': 3}, {'network': 2, 'cache': 3, 'bandwidth': 2})
    >>> point = ds.sel(network="resnet18", cache=2**20, bandwidth=6.4e9)
    >>> run = memsim.run("resnet18", cache="1MiB", bandwidth="6.4GB/s", machine="textbook")
    >>> int(point.dram_bytes) == run.dram_bytes, int(point.time_ps) == run.time_ps
    (True, True)
    """
    needed("xarray", "a sweep")
    found = space(networks, parameters=parameters, by=by, **options)
    runner = Runner(workers, executor, scheduler)
    plan = Plan.of(found)
    kept = None if store is None else Store(Path(store))
    assembly, _ = carried_out(found, plan, runner, kept)
    return assembly.dataset()


def carried_out(
    space: Space,
    plan: Plan,
    runner: Runner,
    store: Store | None = None,
    tell: Callable[[Progress], object] = lambda progress: None,
) -> tuple[Assembly, Progress]:
    """Compute what the store does not hold, and put everything together.

    Parameters
    ----------
    space, plan, runner
    store : Store, optional
    tell : callable
        Called with a :class:`Progress` whenever a chunk is finished.

    Raises
    ------
    Stopped
        At Ctrl-C; what was finished is in the store.
    """
    assembly = Assembly(space)
    done = kept = failed = 0

    def enter(chunk: Chunk, outcome: Outcome) -> None:
        nonlocal done, failed
        assembly.put(chunk, outcome)
        done += chunk.points
        failed += outcome.failed(chunk) if outcome.errors else 0

    if store is not None:
        store.open()

    def missing() -> Iterator[Chunk]:
        nonlocal kept
        for chunk in space:
            found = None if store is None else store.find(chunk.key)
            if found is None:
                yield chunk
                continue
            kept += chunk.points
            enter(chunk, found)

    tell(Progress(0, space.points, 0, 0))
    for chunk, outcome in runner.run(missing(), plan, space.chunks):
        enter(chunk, outcome)
        if store is not None and outcome.lasting:
            store.keep(chunk.key, outcome)
        tell(Progress(done, space.points, kept, failed))
    last = Progress(done, space.points, kept, failed)
    tell(last)
    return assembly, last
