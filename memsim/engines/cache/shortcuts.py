"""Shortcut traffic: what moves because a feature map has to wait for a later reader.

A chain of layers reads each feature map once, right after it is written. A shortcut (the links
of a dense block, a residual) makes another layer read it again, later; until then it must stay
in the cache or go to DRAM and come back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.transfers import Transfers
from memsim.program.kernel import Role
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """The DRAM bytes of one program at one cache that only shortcuts require.

    A feature map's blocks (network inputs included) have a first consumer: the kernel that reads
    them first. Its reads, however often it fetches, are those of a chain. Counted are

    - every fetch by another kernel, later;
    - every write-back of bytes that their first consumer found in the cache, since only a later
      kernel fetches them: a byte is written back at most once, so it is one that a later kernel
      fetches for the first time.

    The second is exact on a scratchpad, which writes nothing back that is not fetched again.

    Concat copies are feature maps of their own; that they are copied is told by the role.

    Attributes
    ----------
    tensor_reads, tensor_writes : int64 arrays, one entry per tensor of the program
        Bytes fetched and written back.
    """

    tensor_reads: Ints
    tensor_writes: Ints

    @property
    def read_bytes(self) -> int:
        """Bytes fetched."""
        return int(self.tensor_reads.sum())

    @property
    def write_bytes(self) -> int:
        """Bytes written back."""
        return int(self.tensor_writes.sum())

    @property
    def dram_bytes(self) -> int:
        """Bytes fetched and written back."""
        return self.read_bytes + self.write_bytes


def shortcuts(program: Program, moved: Transfers) -> Shortcuts:
    """Find the shortcut traffic among transfers.

    Parameters
    ----------
    program : Program
    moved : Transfers
        As :func:`memsim.engines.cache.cachepass.transfers` tells.

    Examples
    --------
    >>> import memsim
    >>> from memsim.engines.cache.cachepass import transfers
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> for capacity in (0, 500_000, 2_000_000):
    ...     moved = shortcuts(program, transfers(program, capacity))
    ...     print(capacity, moved.read_bytes, moved.write_bytes)
    0 3010560 0
    500000 2248960 313600
    2000000 0 0
    """
    later = later_reads(program)[moved.fetches.at]
    at, size = moved.fetches.at[later], moved.fetches.amount[later]
    anew = size - moved.again[later]
    tensor = program.cell_tensor[program.touch_cell[at]]
    spilled = np.array([each.kind == "activation" for each in program.tensors])[tensor]
    reads, writes = (np.zeros(len(program.tensors), np.int64) for _ in range(2))
    np.add.at(reads, tensor, size)
    np.add.at(writes, tensor[spilled], anew[spilled])
    return Shortcuts(reads, writes)


def later_reads(program: Program) -> NDArray[np.bool_]:
    """Per touch: is it a read of a feature map by another kernel than its first consumer?"""
    cell, kernel = program.touch_cell, program.task_kernel[program.touch_task]
    reads = np.flatnonzero(~program.touch_write & (program.touch_role != Role.WEIGHT))
    consumer = np.full(len(program.cell_bytes), -1, np.int32)
    consumer[cell[reads[::-1]]] = kernel[reads[::-1]]  # the first read is assigned last
    later = np.zeros(len(cell), np.bool_)
    later[reads] = kernel[reads] != consumer[cell[reads]]
    return later
