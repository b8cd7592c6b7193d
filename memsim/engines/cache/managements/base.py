"""How on-chip memory is managed: what of a program the cache sees, and what it can know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from memsim.engines.cache.policies import POLICIES
from memsim.engines.cache.trace import Events, Trace
from memsim.engines.cache.transfers import Transfers
from memsim.machine.cache import Cache
from memsim.program.program import Program


class Management(ABC):
    """One way to manage on-chip memory, and the questions it answers.

    Attributes
    ----------
    knows_lifetimes : bool
        Whether what no task will read again is dropped, and never written back.
    addressed : bool
        Whether the unit is a line of an address space; else it is a block of a tensor.
    heeds : tuple of str
        Fields of :class:`~memsim.machine.cache.Cache` that matter beyond size and policy.
    """

    knows_lifetimes: ClassVar[bool]
    addressed: ClassVar[bool]
    heeds: ClassVar[tuple[str, ...]] = ()

    def check(self, cache: Cache) -> None:  # noqa: B027  # any size will do
        """Find out before any work whether a cache can be of its size.

        Raises
        ------
        InputError
            Where it cannot, with the nearest sizes of which it can.
        """

    @abstractmethod
    def trace(self, program: Program, cache: Cache) -> Trace:
        """What the cache is asked for, in program order.

        Raises
        ------
        InputError
            For a program that this kind of memory cannot run.
        """

    def short_trace(self, program: Program, cache: Cache) -> Trace:
        """The same, told in as few accesses as can be: blocks may have parts.

        Raises
        ------
        InputError
            As :meth:`trace`.
        """
        return self.trace(program, cache)

    def serve(self, trace: Trace, cache: Cache) -> Events:
        """Run a trace through the cache.

        Raises
        ------
        InputError
            For an unknown policy, or one that this kind of cache cannot have.
        """
        return POLICIES[cache.policy](trace, cache.size)

    def moved(self, program: Program, cache: Cache, *, each: bool = False) -> Transfers:
        """What crosses the DRAM interface when a program runs on a cache.

        ``each`` asks for every line by itself where they would otherwise be summed up.

        Raises
        ------
        InputError
            As :meth:`trace` and :meth:`serve`.
        """
        trace = self.trace(program, cache)
        return self.transfers(program, trace, self.serve(trace, cache))

    @abstractmethod
    def transfers(self, program: Program, trace: Trace, events: Events) -> Transfers:
        """What crosses the DRAM interface, given what the cache did with the trace."""

    def samples(self, cache: Cache) -> bool:
        """Whether many sizes are served together, but not every size."""
        return False

    def one_pass(self, cache: Cache) -> str:
        """Why one pass cannot serve every size of this cache; empty where it can."""
        if cache.policy == "lru":
            return ""
        return f"a curve needs policy 'lru', the machine has {cache.policy!r}"
