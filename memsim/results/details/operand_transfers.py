"""Operand transfers: what each kernel moves of its inputs, weights and outputs, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.cachepass import read_bytes, write_bytes
from memsim.program.kernel import Role
from memsim.results.run import Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OperandTransfers:
    """The transfers of one kind of operand: int64 arrays, one entry per kernel.

    Attributes
    ----------
    nbytes : int64 array
        Bytes that cross the DRAM interface.
    start, stop : int64 array
        When the first transfer begins and the last one ends, in picoseconds; without meaning
        where nothing moves. What a kernel writes may be written while a later one runs.
    """

    nbytes: Ints
    start: Ints
    stop: Ints


def operand_transfers(result: Result) -> dict[str, OperandTransfers]:
    """The transfers of ``input``, ``weight`` and ``output`` operands of every kernel.

    Reads of feature maps, of residuals and of concat operands are those of inputs, and so are the
    lines that a write to a hardware cache fetches. Reads are charged to the kernel that reads,
    writes to the one that produces.

    Examples
    --------
    >>> import memsim
    >>> result = memsim.run("resnet18")
    >>> moved = operand_transfers(result)
    >>> sum(int(each.nbytes.sum()) for each in moved.values()) == result.dram_bytes
    True
    >>> int(moved["weight"].nbytes.sum()) == result.by_role["weight"]
    True
    """
    program, traffic, moved = result.program, result.traffic.traffic, result.transfers
    reads, writes = read_bytes(traffic), write_bytes(traffic)
    weights = traffic[:, Role.WEIGHT].sum(axis=-1)
    fetches = moved.fetches
    is_weight = program.touch_role[fetches.of] == Role.WEIGHT
    of_inputs, of_weights = fetches.select(~is_weight), fetches.select(is_weight)
    written = moved.spills.join(moved.results)
    return {
        "input": OperandTransfers(reads - weights, *_when(result, of_inputs.of, of_inputs.at)),
        "weight": OperandTransfers(weights, *_when(result, of_weights.of, of_weights.at)),
        "output": OperandTransfers(writes, *_when(result, written.of, written.at)),
    }


def _when(result: Result, charged: Ints, happens: Ints) -> tuple[Ints, Ints]:
    """First start and last end on the channel, by the kernel that transfers are charged to."""
    program, line = result.program, result.timeline
    kernel = program.task_kernel[program.touch_task[charged]]
    task, store = program.touch_task[happens], program.touch_write[happens]
    begin = np.where(store, line.store_start[task], line.load_start[task])
    end = np.where(store, line.store_end[task], line.load_end[task])
    start = np.full(len(program.kernels), np.iinfo(np.int64).max)
    stop = np.zeros(len(program.kernels), np.int64)
    np.minimum.at(start, kernel, begin)
    np.maximum.at(stop, kernel, end)
    return start, stop
