"""What a program will take to build and to simulate, told before it is built.

A few lines of a file can describe a network whose simulation takes hours or more memory than there
is. So the accesses are counted when kernels are cut into tasks, before anything is listed. Who runs
a command is told what it will take; what does not fit is refused, unless it is forced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from memsim.errors import Problem, SimulationError

__all__ = [
    "MOST_TOUCHES",
    "Forecast",
    "check",
    "check_least",
    "forced",
    "foretelling",
    "memory_left",
    "most_touches",
    "too_large",
]

MOST_TOUCHES = 100_000_000
"""Largest program that is built without force, in touches of cells."""

MOST_FORCED = 1 << 31
"""Largest program at all: cells are numbered in 32 bits."""

FEW = 1_000_000
"""Touches for which nobody asks how much memory is left."""

MANY = 20_000_000
"""Touches that take seconds to count, so that what is known is told before."""

BYTES, SECONDS = 140, 1.3e-6
"""Memory and time that a touch takes in ``memsim run``, all in all.

Measured on dense blocks of 500 layers (25 million touches: 3.4 GB, 30 s) on one core of a server of
2022; policies that are not compiled take up to ten times as long."""

HINT = "larger buffers, a smaller input or batch"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a program will take.

    Attributes
    ----------
    name : str
        The network's.
    touches : int
        Accesses of tasks to cells.
    least : bool
        Whether there may be more of them.

    Examples
    --------
    >>> print(Forecast("deep", 25_000_000))
    deep: 25 million accesses, about 32 s and 3.5 GB
    """

    name: str
    touches: int
    least: bool = False

    @property
    def bytes(self) -> int:
        """Memory, about."""
        return BYTES * self.touches

    @property
    def seconds(self) -> float:
        """Time of one core, about."""
        return SECONDS * self.touches

    def __str__(self) -> str:
        millions, memory = self.touches / 1e6, self.bytes / 1e9
        return (
            f"{self.name}: {'at least ' * self.least}{millions:,.0f} million accesses, "
            f"about {self.seconds:,.0f} s "
            f"and {memory:,.1f} GB"
        )


_force: ContextVar[bool] = ContextVar("force", default=False)
_listener: ContextVar[Callable[[Forecast], object] | None] = ContextVar("forecasts", default=None)


@contextmanager
def forced(force: bool = True) -> Iterator[None]:
    """Refuse no program for its size while a block runs, as far as there are numbers for it.

    Examples
    --------
    >>> with forced():
    ...     check(Forecast("deep", 200_000_000))
    """
    token = _force.set(force)
    try:
        yield
    finally:
        _force.reset(token)


@contextmanager
def foretelling(listener: Callable[[Forecast], object] | None) -> Iterator[None]:
    """Tell a listener of every program that is going to be built while a block runs."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def check(forecast: Forecast) -> None:
    """Tell whoever listens, and refuse what does not fit.

    Raises
    ------
    SimulationError
        If there are too many accesses, or too little memory is left for them.
    """
    _refuse(forecast)
    if (listener := _listener.get()) is not None:
        listener(forecast)


def check_least(name: str, touches: int, *, tell: bool = True) -> None:
    """Refuse what takes so many accesses at least, and tell of many, before they are listed.

    Raises
    ------
    SimulationError
        As :func:`check`.

    Examples
    --------
    >>> check_least("deep", 1000)
    >>> check_least("deep", 10**9)
    Traceback (most recent call last):
    memsim.errors.SimulationError: deep takes more than 100,000,000 accesses at this tiling
    (larger buffers, a smaller input or batch; --force goes on)
    """
    if touches > FEW:
        forecast = Forecast(name, touches, least=True)
        _refuse(forecast)
        if tell and touches > MANY and (listener := _listener.get()) is not None:
            listener(forecast)


def _refuse(forecast: Forecast) -> None:
    if forecast.touches > most_touches():
        raise too_large(forecast.name)
    left = None if _force.get() else memory_left()
    if left is not None and forecast.bytes > left:
        message = f"{forecast}, and {left / 1e9:,.1f} GB are left"
        raise SimulationError(Problem(message, hint=f"{HINT}; --force goes on"))


def most_touches() -> int:
    """Touches of the largest program that is built."""
    return MOST_FORCED if _force.get() else MOST_TOUCHES


def too_large(name: str, what: str = "accesses at this tiling") -> SimulationError:
    """The error of a program with too many accesses, or whatever there are too many of."""
    most = most_touches()
    hint = HINT if _force.get() else f"{HINT}; --force goes on"
    message = f"{name} takes more than {most:,} {what}"
    return SimulationError(Problem(message, hint=hint))


def memory_left() -> int | None:
    """Bytes of memory that this process may still take; None where the system does not say."""
    limits = [_free(), *_of_group(), *_of_process()]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def _free() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _of_group() -> Iterator[int]:
    """What a container's limit leaves."""
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text("ascii"))  # "max" is no number: no limit
        yield limit - int((group / "memory.current").read_text("ascii"))


def _of_process() -> Iterator[int]:
    """What the limit of addresses leaves."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
            yield limit - pages * resource.getpagesize()
