"""A hardware cache: lines of an address space, which knows no lifetimes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from memsim.engines.cache.leveled import level_transfers, leveled, leveled_trace
from memsim.engines.cache.lines import changes_owner, line_accesses
from memsim.engines.cache.managements.base import Management
from memsim.engines.cache.policies import POLICIES, SETS
from memsim.engines.cache.sets import sets_of
from memsim.engines.cache.trace import NEW, READ, WRITE, WRITE_ALLOCATE, Events, Trace
from memsim.engines.cache.transfers import Transfers
from memsim.errors import InputError
from memsim.machine.cache import Cache
from memsim.program.program import Program

if TYPE_CHECKING:
    pass


class Hardware(Management):
    """Lines that are only evicted or overwritten, in sets or in one."""

    knows_lifetimes: ClassVar[bool] = False
    addressed: ClassVar[bool] = True
    heeds: ClassVar[tuple[str, ...]] = (
        "line", "ways", "index", "fetch_on_write", "layout", "allocator"
    )  # fmt: skip

    def moved(self, program: Program, cache: Cache, *, each: bool = False) -> Transfers:
        if leveled(program, cache) and cache.ways is not None:
            return level_transfers(program, cache, each=each)[0]
        return super().moved(program, cache, each=each)

    def trace(self, program: Program, cache: Cache) -> Trace:
        if leveled(program, cache):
            return leveled_trace(program, cache)
        seen = line_accesses(program, cache.line, cache.layout, cache.allocator)
        write = WRITE_ALLOCATE if cache.fetch_on_write else WRITE
        code = np.where(program.touch_write[seen.touch], write, READ)
        owner = program.cell_owner[program.touch_cell[seen.touch]]
        code += NEW * changes_owner(owner, seen.line)
        tasks = program.touch_task[seen.touch]
        start = np.searchsorted(tasks, np.arange(program.tasks + 1))
        return Trace(
            start.astype(np.int64),
            seen.line,
            code.astype(np.uint8),
            np.full(seen.lines, cache.line, np.int64),
            seen.touch,
        )

    def check(self, cache: Cache) -> None:
        if cache.ways is not None:
            sets_of(cache.size, cache.ways, cache.line)

    def serve(self, trace: Trace, cache: Cache) -> Events:
        if cache.ways is None:
            return super().serve(trace, cache)
        POLICIES[cache.policy]  # an unknown name is told as such
        if cache.policy not in SETS:
            message = f"policy {cache.policy} is for a fully associative cache; sets know "
            raise InputError(message + ", ".join(SETS))
        return SETS[cache.policy](trace, cache.size, cache.ways, cache.line, cache.index)

    def transfers(self, program: Program, trace: Trace, events: Events) -> Transfers:
        return Transfers.of(program, trace, events)

    def samples(self, cache: Cache) -> bool:
        return cache.ways is not None and cache.policy == "lru" and cache.index == "plain"

    def one_pass(self, cache: Cache) -> str:
        if cache.ways is not None and cache.policy == "lru":
            return f"a curve needs a fully associative cache, this one has {cache.ways} ways"
        return super().one_pass(cache)


HARDWARE = Hardware()
