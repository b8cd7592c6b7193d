"""Execution: chunks handed to whoever computes them, and their outcomes taken back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import Any

from memsim.errors import InputError, MemsimError, Problem
from memsim.sweeps.chunk import Chunk, Outcome
from memsim.sweeps.extras import needed
from memsim.sweeps.work import compute, loaded, nothing
from memsim.version import __version__

__all__ = ["Stopped", "cores", "on_executor", "on_processes", "on_scheduler", "serially"]

Finished = Iterator[tuple[Chunk, Outcome]]

ATTEMPTS = 2
"""Processes that may die of one chunk by itself before it is given up."""

PATIENCE = 8
"""Seconds until a scheduler that does not answer is given up."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C while chunks were computed; what had been begun is finished and handed out first."""


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serially(chunks: Iterable[Chunk]) -> Finished:
    """One after the other, in this process."""
    for chunk in chunks:
        yield chunk, compute(chunk)


def on_processes(chunks: Iterable[Chunk], workers: int) -> Finished:
    """On processes of this machine; one that dies costs its chunk's work, no more."""
    left = iter(chunks)
    while True:
        running: dict[Future[Outcome], Chunk] = {}
        try:
            with _processes(workers) as pool:
                yield from _through(pool, left, 2 * workers, running)
            return
        except BrokenProcessPool:
            for chunk in running.values():  # one of them, or more, is too much for a process
                yield chunk, _alone(chunk)


def _alone(chunk: Chunk) -> Outcome:
    """A chunk in a process of its own; what it costs a process more than once is its fault."""
    for _ in range(ATTEMPTS):
        with suppress(BrokenProcessPool), _processes(1) as pool:
            return pool.submit(compute, chunk).result()
    outcome = nothing(chunk, f"its process was killed {ATTEMPTS} times: out of memory?")
    outcome.lasting = False
    return outcome


@contextmanager
def _processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes are gone when its block is left, however that is."""
    pool = ProcessPoolExecutor(workers, initializer=_as_worker, initargs=(os.getpid(),))
    try:
        yield pool
        pool.shutdown()
    except BaseException:
        _kill(pool)
        raise


def _through(
    pool: Executor, chunks: Iterable[Chunk], window: int, running: dict[Future[Outcome], Chunk]
) -> Finished:
    """Keep an executor busy; ``running`` holds what it has not given back, whatever happens."""
    left = iter(chunks)
    try:
        while True:
            while len(running) < window and (chunk := next(left, None)) is not None:
                running[Future()] = chunk  # until it is known that it was taken
                taken = pool.submit(compute, chunk)
                running.popitem()
                running[taken] = chunk
            if not running:
                return
            yield from _done(running)
    except KeyboardInterrupt:
        for future in [each for each in running if each.cancel()]:
            del running[future]
        while running:
            yield from _done(running)
        raise Stopped from None


def _done(running: dict[Future[Outcome], Chunk]) -> Finished:
    """What is finished next, and that which is finished with it."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        try:
            outcome = future.result()
        except BrokenProcessPool:
            raise
        except Exception as error:  # a worker that was lost over and over, and the like
            reason = f"{type(error).__name__}: {error}"
            outcome = nothing(running[future], reason)
            outcome.lasting = False
        yield running.pop(future), outcome


def on_executor(executor: Executor, chunks: Iterable[Chunk]) -> Finished:
    """On any executor; it is not shut down."""
    workers = getattr(executor, "_max_workers", None) or cores()
    yield from _through(executor, chunks, 2 * workers, {})


def on_scheduler(address: str, chunks: Iterable[Chunk]) -> Finished:
    """On a Dask cluster, whose workers need no files: networks are sent to them.

    Raises
    ------
    InputError
        If no scheduler answers there, it has no workers or they run another memsim.
    """
    with cluster(address) as (client, executor):
        window = 2 * max(1, sum(client.nthreads().values()))
        yield from _through(executor, _with_networks(chunks), window, {})


def _with_networks(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Chunks as they are where a worker finds the network by its name, else with it."""
    from memsim.formats.library import names, split_variant

    shipped = {entry.name for entry in names()}
    for chunk in chunks:
        if isinstance(chunk.source, str) and split_variant(chunk.source)[0] in shipped:
            yield chunk
            continue
        try:
            yield chunk.with_network(loaded(chunk))
        except MemsimError:
            yield chunk  # which fails there as it does here


@contextmanager
def cluster(address: str) -> Iterator[tuple[Any, Executor]]:
    """The client of a Dask cluster, and its executor.

    Raises
    ------
    InputError
        As :func:`on_scheduler`.
    """
    distributed = needed("distributed", "--scheduler", "dask")
    path = "scheduler"
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, ImportError, TypeError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        message = f"no Dask scheduler answers at {address}: {reason}"
        raise InputError(
            Problem(message, path, "dask scheduler, such as tcp://host:8786")
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            message = f"the scheduler at {address} has no workers"
            raise InputError(Problem(message, path, f"dask worker {address}")) from None
        for worker, found in client.run(_version).items():
            if found != __version__:
                message = f"its worker {worker} runs memsim {found}, and this is {__version__}"
                raise InputError(Problem(message, path, "install the same everywhere"))
        yield client, client.get_executor(pure=False)


def _version() -> str:
    return __version__


def _as_worker(parent: int) -> None:
    """Leave Ctrl-C to the process that hands out work, and end when that has gone."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _kill(pool: ProcessPoolExecutor) -> None:
    """End the processes of a pool at once, whatever they do."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        with suppress(OSError):
            process.kill()
    pool.shutdown(wait=False, cancel_futures=True)
