"""The cache pass: what crosses the DRAM interface, in program order.

Cache state advances with the program, independent of time. This fixes the bytes that each task
loads and stores; when that happens is the replay's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.transfers import Flow, Transfers
from memsim.machine.cache import Cache
from memsim.program.kernel import Cause, Role
from memsim.program.program import Program
from memsim.progress import stage
from memsim.readable import format_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


MOST_NOTED = 1 << 24
"""Numbers of units up to which it is noted of each whether it is stored at all."""


@dataclass(frozen=True)
class CachePass:
    """The traffic of one program at one cache.

    Attributes
    ----------
    capacity : int
        Bytes.
    load_bytes, store_bytes : int64 arrays, per task
        Fetches and the write-backs they displace; write-backs displaced by the task's writes,
        and network outputs.
    waits : bool array, per task
        Whether the load fetches a block that the task before it stores.
    traffic : int64 array, kernels x roles x causes
        Bytes. Reads are charged to the reading kernel, writes to the producing kernel.
    tensor_traffic : int64 array, tensors x causes
        The same bytes by the tensor they belong to.
    occupancy : int64 array, per task
        Bytes held after each task.
    peak_occupancy : int
    at_least : int
        Bytes that no policy moves fewer of at this capacity and order of tasks, where the one
        that ran knows such a bound; else 0.
    """

    capacity: int
    load_bytes: Ints
    store_bytes: Ints
    waits: NDArray[np.bool_]
    traffic: Ints
    tensor_traffic: Ints
    occupancy: Ints
    peak_occupancy: int
    at_least: int = 0

    @property
    def read_bytes(self) -> int:
        """Bytes read from DRAM."""
        return int(read_bytes(self.traffic).sum())

    @property
    def write_bytes(self) -> int:
        """Bytes written to DRAM."""
        return int(write_bytes(self.traffic).sum())


def read_bytes(traffic: Ints) -> Ints:
    """What comes from DRAM of traffic by role and cause, the last two axes, which are summed.

    Compulsory bytes are reads, but for network outputs, which are written.
    """
    compulsory = traffic[..., Cause.COMPULSORY].sum(axis=-1) - _results(traffic)
    read: Ints = compulsory + traffic[..., Cause.RELOAD].sum(axis=-1)
    return read


def write_bytes(traffic: Ints) -> Ints:
    """What goes to DRAM of traffic by role and cause, the last two axes, which are summed."""
    written: Ints = _results(traffic) + traffic[..., Cause.SPILL].sum(axis=-1)
    return written


def _results(traffic: Ints) -> Ints:
    results: Ints = traffic[..., Role.OUTPUT, Cause.COMPULSORY]
    return results


def cache_pass(program: Program, cache: Cache | int) -> CachePass:
    """Run a program's accesses through one cache.

    Parameters
    ----------
    program : Program
    cache : Cache or int
        A number of bytes is a scratchpad of that size; 0 is the limit without reuse.

    Raises
    ------
    InputError
        For an unknown policy or management, or sets that the capacity does not divide into.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> cache_pass(program, 10**9).read_bytes == program.compulsory_read_bytes
    True
    """
    cache = Cache.of(cache)
    with stage(_told(cache)):
        moved = MANAGEMENTS[cache.management].moved(program, cache)
        return account(program, moved, cache.size)


def transfers(program: Program, cache: Cache | int) -> Transfers:
    """What :func:`cache_pass` accounts for: each fetch and each write-back."""
    cache = Cache.of(cache)
    with stage(_told(cache)):
        return MANAGEMENTS[cache.management].moved(program, cache, each=True)


def _told(cache: Cache) -> str:
    return f"{cache.policy} cache of {format_size(cache.size)}"


def moved_bytes(program: Program, cache: Cache | int) -> int:
    """All that :func:`cache_pass` finds to be read and written, charged to nobody.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> found = cache_pass(program, 500_000)
    >>> moved_bytes(program, 500_000) == found.read_bytes + found.write_bytes
    True
    """
    cache = Cache.of(cache)
    moved = MANAGEMENTS[cache.management].moved(program, cache)
    return sum(int(flow.amount.sum()) for flow in (moved.fetches, moved.spills, moved.results))


def account(program: Program, moved: Transfers, capacity: int) -> CachePass:
    """Charge transfers to tasks, kernels, roles, causes and tensors."""
    roles, causes = len(Role), len(Cause)
    traffic = np.zeros((len(program.kernels), roles, causes), np.int64)
    tensor_traffic = np.zeros((len(program.tensors), causes), np.int64)
    moved_bytes = np.zeros((program.tasks, 2), np.int64)
    # Places are numbers into flat arrays: NumPy adds to those several times as fast as to pairs.
    seen: Flow | None = None
    for cause, moves, amount in by_cause(program, moved):
        if moves is not seen:
            seen, role = moves, program.touch_role[moves.of]
            kernel = program.task_kernel[program.touch_task[moves.of]].astype(np.int64)
            tensor = program.cell_tensor[program.touch_cell[moves.of]].astype(np.int64)
            charged, charged_to = (kernel * roles + role) * causes, tensor * causes
            step = 2 * program.touch_task[moves.at].astype(np.int64)
            np.add.at(moved_bytes.reshape(-1), step + program.touch_write[moves.at], moves.amount)
        np.add.at(traffic.reshape(-1), charged + cause, amount)
        np.add.at(tensor_traffic.reshape(-1), charged_to + cause, amount)
    load_bytes, store_bytes = moved_bytes.T.copy()
    return CachePass(
        capacity,
        load_bytes,
        store_bytes,
        _waits(program, moved),
        traffic,
        tensor_traffic,
        moved.occupancy,
        moved.peak,
        moved.at_least,
    )


def by_cause(program: Program, moved: Transfers) -> tuple[tuple[Cause, Flow, Ints], ...]:
    """Why bytes move: each cause with transfers and their bytes; the results come last."""
    fetches = moved.fetches
    given = program.cell_is_given[program.touch_cell[fetches.of]]
    first = np.where(given, fetches.amount - moved.again, 0)
    return (
        (Cause.COMPULSORY, fetches, first),
        (Cause.RELOAD, fetches, fetches.amount - first),
        (Cause.SPILL, moved.spills, moved.spills.amount),
        (Cause.COMPULSORY, moved.results, moved.results.amount),
    )


def _waits(program: Program, moved: Transfers) -> NDArray[np.bool_]:
    """Per task: does its load fetch what the task before it stores?

    Only what happens at a write is in a store, and only what happens at a read is in a load: a
    write that allocates fetches its line in the store, and a read that displaces an output
    writes it back in the load. Whole cells can be compared: what is stored of a cell and no
    longer held is what the next fetch begins with.
    """
    fetches, stores = moved.fetches, (moved.spills, moved.results)
    writes = program.touch_write
    chosen = [writes[flow.at] for flow in stores]
    at, unit = (
        np.concatenate([column[some] for column, some in zip(columns, chosen, strict=True)])
        for columns in ([flow.at for flow in stores], [flow.unit for flow in stores])
    )
    count = 1 + max(int(unit.max(initial=0)), int(fetches.unit.max(initial=0)))
    loads = ~writes[fetches.at]
    if count <= MOST_NOTED:  # weights, which most fetches are of, are never stored
        ever = np.zeros(count, np.bool_)
        ever[unit] = True
        loads &= ever[fetches.unit]
    some = np.flatnonzero(loads)
    # A unit is fetched in a task, and stored in the one before: pair them by one number.
    waits = np.zeros(program.tasks, np.bool_)
    stored_at = np.sort(program.touch_task[at].astype(np.int64) * count + unit)
    if len(stored_at):
        loaded_in = program.touch_task[fetches.at[some]].astype(np.int64)
        fetched = (loaded_in - 1) * count + fetches.unit[some]
        place = np.minimum(np.searchsorted(stored_at, fetched), len(stored_at) - 1)
        waits[loaded_in[stored_at[place] == fetched]] = True
    return waits
