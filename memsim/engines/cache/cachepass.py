"""The cache pass: what crosses the DRAM interface, in program order.

Cache state advances with the program, independent of time. This fixes the bytes that each task
loads and stores; when that happens is the replay's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.lru_cells import lru_cells
from memsim.engines.cache.management import MANAGEMENTS, Lines
from memsim.engines.cache.policies import POLICIES
from memsim.engines.cache.transfers import Touches, Transfers, written_through
from memsim.errors import InputError
from memsim.machine import Machine
from memsim.program.kernel import Cause, Role
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


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
    """

    capacity: int
    load_bytes: Ints
    store_bytes: Ints
    waits: NDArray[np.bool_]
    traffic: Ints
    tensor_traffic: Ints
    occupancy: Ints
    peak_occupancy: int

    @property
    def read_bytes(self) -> int:
        """Bytes read from DRAM."""
        return int(self.traffic[:, :, [Cause.FIRST, Cause.REFETCH]].sum())

    @property
    def write_bytes(self) -> int:
        """Bytes written to DRAM."""
        return int(self.traffic[:, :, [Cause.SPILL, Cause.RESULT]].sum())


def cache_pass(
    program: Program,
    capacity: int,
    policy: str = "lru",
    management: str = "scratchpad",
    lines: Lines | None = None,
) -> CachePass:
    """Run a program's accesses through one cache.

    Parameters
    ----------
    program : Program
    capacity : int
        Bytes of the cache; 0 is the limit without reuse.
    policy, management : str
        Keys of ``POLICIES`` and ``MANAGEMENTS``.
    lines : Lines, optional
        Lines, sets, layout and addresses of a hardware cache.

    Raises
    ------
    InputError
        For an unknown policy or management, or sets that the capacity does not divide into.
    """
    return account(program, transfers(program, capacity, policy, management, lines), capacity)


def machine_pass(program: Program, machine: Machine) -> CachePass:
    """Run a program through the cache of a machine."""
    return account(program, machine_transfers(program, machine), machine.cache_bytes)


def machine_transfers(program: Program, machine: Machine) -> Transfers:
    """What :func:`machine_pass` accounts for."""
    cache = machine.cache
    lines = Lines.of(program, machine)
    return transfers(program, cache.size, cache.policy, cache.management, lines)


def transfers(
    program: Program,
    capacity: int,
    policy: str = "lru",
    management: str = "scratchpad",
    lines: Lines | None = None,
) -> Transfers:
    """What :func:`cache_pass` accounts for: each fetch and each write-back."""
    decide, trace_of = POLICIES[policy], MANAGEMENTS[management]
    lines = lines or Lines()
    if (policy, management) == ("lru", "scratchpad"):
        return lru_cells(Touches.of(program), capacity)
    trace = trace_of(program, lines)
    if management == "scratchpad":
        return Transfers.of(program, trace, decide(trace, capacity), written_through(program))
    if lines.ways is not None:
        if policy != "lru":
            raise InputError(f"policy {policy} is for a fully associative cache; sets know lru")
        from memsim.engines.cache.sets import compiled_sets

        decide = partial(compiled_sets, ways=lines.ways, line=lines.line, index=lines.index)
    elif policy == "lru":
        from memsim.engines.cache.compiled_lru import compiled_lru

        decide = compiled_lru
    return Transfers.of(program, trace, decide(trace, capacity))


def account(program: Program, moved: Transfers, capacity: int) -> CachePass:
    """Charge transfers to tasks, kernels, roles, causes and tensors."""
    fetches, again = moved.fetches, moved.again
    kernels, tensors = len(program.kernels), len(program.tensors)
    traffic = np.zeros((kernels, len(Role), len(Cause)), np.int64)
    tensor_traffic = np.zeros((tensors, len(Cause)), np.int64)
    load_bytes = np.zeros(program.tasks, np.int64)
    store_bytes = np.zeros(program.tasks, np.int64)
    task, tensor = program.touch_task, program.cell_tensor[program.touch_cell]
    for cause, moves, amount in (
        (Cause.FIRST, fetches, fetches.amount - again),
        (Cause.REFETCH, fetches, again),
        (Cause.SPILL, moved.spills, moved.spills.amount),
        (Cause.RESULT, moved.results, moved.results.amount),
    ):
        charged, happens = moves.of, moves.at
        kernel = program.task_kernel[task[charged]]
        np.add.at(traffic[:, :, cause], (kernel, program.touch_role[charged]), amount)
        np.add.at(tensor_traffic[:, cause], tensor[charged], amount)
        stores = program.touch_write[happens]
        np.add.at(load_bytes, task[happens[~stores]], amount[~stores])
        np.add.at(store_bytes, task[happens[stores]], amount[stores])
    return CachePass(
        capacity,
        load_bytes,
        store_bytes,
        _waits(program, moved),
        traffic,
        tensor_traffic,
        moved.occupancy,
        moved.peak,
    )


def _waits(program: Program, moved: Transfers) -> NDArray[np.bool_]:
    """Per task: does its load fetch what the task before it stores?

    A task stores the outputs it writes, and what its writes displace. Whole cells can be
    compared: what is stored of a cell and no longer held is what the next fetch begins with.
    """
    task = program.touch_task.astype(np.int64)
    displaced = program.touch_write[moved.spills.at]
    units = np.concatenate([moved.spills.unit[displaced], moved.results.unit])
    stored_in = task[np.concatenate([moved.spills.at[displaced], moved.results.at])]
    fetched_in, unit = task[moved.fetches.at], moved.fetches.unit
    # A unit is fetched in a task, and stored in the one before: pair them by one number.
    count = 1 + max(int(units.max(initial=0)), int(unit.max(initial=0)))
    waits = np.zeros(program.tasks, np.bool_)
    waits[fetched_in[np.isin((fetched_in - 1) * count + unit, stored_in * count + units)]] = True
    return waits
