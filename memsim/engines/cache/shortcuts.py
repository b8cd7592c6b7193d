"""What shortcuts cost: the traffic of a network against that of the chain that it would be.

A chain of layers reads each feature map once, right after it is written. A shortcut (the links
of a dense block, a residual) makes another layer read it again, later; until then it must stay
in the cache or go to DRAM and come back. Where several maps are joined by a concat that copies,
all of them are read and written once more, since a kernel reads one tensor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.engines.cache.cachepass import cache_pass, read_bytes, write_bytes
from memsim.machine.cache import Cache
from memsim.program.build import build
from memsim.program.frames import repeat
from memsim.program.kernel import Role
from memsim.program.lowering import LOWERINGS
from memsim.program.lowering.walk import Concats
from memsim.program.parts import Part, chosen
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["Shortcuts", "later_reads", "shortcuts", "without_shortcuts"]

BUILT_WITH = ("schedule", "tile", "images", "rows", "register_tile", "kernel_scratch")
"""Options of a program that its program without shortcuts is built with, too."""


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """The DRAM bytes of feature maps that are there because of shortcuts.

    They are the difference of two cache passes: the program's, and that of
    :func:`without_shortcuts`. At cache 0 that is every later read and every concat copy. In a
    larger cache it is as well what a waiting map drives out, and not what stays on chip anyway.

    Attributes
    ----------
    read_bytes, write_bytes : int
        Bytes read and written; below zero where the program moves less with its shortcuts, which
        a policy or a cache of sets may do.
    without_bytes : int
        What feature maps move without them.
    """

    read_bytes: int
    write_bytes: int
    without_bytes: int

    @property
    def dram_bytes(self) -> int:
        """Bytes read and written."""
        return self.read_bytes + self.write_bytes


def shortcuts(
    program: Program, cache: Cache | int, traffic: Ints | None = None
) -> Shortcuts | None:
    """Find what shortcuts cost; None where :func:`without_shortcuts` has no answer.

    Parameters
    ----------
    program : Program
    cache : Cache or int
        A number of bytes is a scratchpad of that size.
    traffic : int64 array, kernels x roles x causes, optional
        What the program moves, where that is known already.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> for capacity in (0, 500_000, 2_000_000):
    ...     found = shortcuts(program, capacity)
    ...     print(capacity, found.read_bytes, found.write_bytes)
    0 3010560 0
    500000 2892288 870912
    2000000 0 0
    """
    chain = without_shortcuts(program)
    if chain is None:
        return None
    cache = Cache.of(cache)
    whole = cache_pass(program, cache).traffic if traffic is None else traffic
    (read, written), (least_read, least_written) = (
        _of_maps(each) for each in (whole, cache_pass(chain, cache).traffic)
    )
    return Shortcuts(read - least_read, written - least_written, least_read + least_written)


def _of_maps(traffic: Ints) -> tuple[int, int]:
    """Bytes of feature maps read and written."""
    maps = chosen(traffic, Part.FEATURE_MAPS)
    return int(read_bytes(maps).sum()), int(write_bytes(maps).sum())


def without_shortcuts(program: Program) -> Program | None:
    """The program in which every shortcut is free.

    - A feature map (network inputs included) is read by one kernel alone, the first that reads it.
      To all others it comes for nothing: their reads move nothing, and it need not stay for them.
    - A concat copies nothing: without shortcuts it has nothing to join, so its readers read its
      parts where they lie, of which all but those that nobody has read before are free.

    Everything else stays: kernels compute what they computed, and read all of their weights.

    None where concats are copied and the program cannot be built with views: where a library's
    kernels run, and where groups of layers run depth first.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("patterns/dense"), buffer=512 * 1024)
    >>> chain = without_shortcuts(program)
    >>> len(program.kernels), len(chain.kernels), chain.macs == program.macs
    (32, 17, True)
    """
    lowering = LOWERINGS[str(program.options["lowering"])]
    copies = lowering.rules.concats is not Concats.VIEW and any(
        layer.op.joins for layer in program.network
    )
    if program.spans or (copies and program.options["schedule"] != "layer_by_layer"):
        return None
    if not copies:
        return repeat(_without_later_reads(program.one_frame), program.frames)
    told: dict[str, Any] = {n: v for n, v in program.options.items() if n in BUILT_WITH}
    viewed = build(
        program.network,
        buffer=program.options["buffer_bytes"],
        block=program.options["block_bytes"],
        lowering=lowering.with_views(),
        order=str(program.options.get("best", program.options["order"])),
        **told,
    )
    return repeat(_without_later_reads(viewed), program.frames)


def later_reads(program: Program) -> NDArray[np.bool_]:
    """Per touch: is it a read of a feature map by another kernel than its first consumer?"""
    cell, kernel = program.touch_cell, program.task_kernel[program.touch_task]
    reads = np.flatnonzero(~program.touch_write & (program.touch_role != Role.WEIGHT))
    consumer = np.full(len(program.cell_bytes), -1, np.int32)
    consumer[cell[reads[::-1]]] = kernel[reads[::-1]]  # the first read is assigned last
    later = np.zeros(len(cell), np.bool_)
    later[reads] = kernel[reads] != consumer[cell[reads]]
    return later


def _without_later_reads(program: Program) -> Program:
    """The program less those touches; cells live as long as what is left of them is touched."""
    kept = ~later_reads(program)
    start = np.concatenate([[0], np.cumsum(kept)])[program.touch_start]
    cell, write = program.touch_cell[kept], program.touch_write[kept]
    place = np.arange(len(cell))
    first, last, writer = (np.full(len(program.cell_bytes), -1, np.int64) for _ in range(3))
    first[cell[::-1]] = place[::-1]  # of several assignments the last one stays
    last[cell] = place
    writer[cell[write]] = place[write]
    ends = np.zeros(len(cell), np.bool_)
    ends[last[last >= 0]] = True
    task = np.repeat(np.arange(program.tasks), np.diff(start))
    touched = first >= 0
    return replace(
        program,
        touch_start=start,
        touch_cell=cell,
        touch_write=write,
        touch_role=program.touch_role[kept],
        touch_last=ends,
        cell_birth=np.where(touched, task[first], -1).astype(np.int32),
        cell_death=np.where(touched, task[last], -1).astype(np.int32),
        cell_writer=writer,
    )
