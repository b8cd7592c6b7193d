"""A replay: the same calls made to a model of malloc, and how many blocks lie elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from memsim.measurement.placement.recording import (
    CALLOC,
    FREE,
    MALLOC,
    MALLOPT,
    MEMALIGN,
    REALLOC,
    Recording,
)
from memsim.program.memory.heaps.glibc import Glibc
from memsim.program.memory.heaps.maps import PAGE

LARGE = 4096
"""Bytes from which on a block is counted as a large one."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How well a model of malloc tells where blocks lie.

    Attributes
    ----------
    blocks, elsewhere : int
        Blocks of the heap, and those that the model puts at another address.
    large, large_elsewhere : int
        Likewise, of at least :data:`LARGE` bytes.
    mapped : int
        Blocks in pages of their own, whose addresses are the system's; they are not compared.
    heap : Glibc
        As it is at the end.
    """

    blocks: int
    elsewhere: int
    large: int
    large_elsewhere: int
    mapped: int
    heap: Glibc


def replay(recording: Recording, visit: Callable[[int, Glibc], object] | None = None) -> Replay:
    """Make the calls of a recording to :class:`.Glibc`.

    Parameters
    ----------
    recording : Recording
        From the start of a process on, which used one thread.
    visit : callable, optional
        Called with the number of a call and the heap, before the call is made.

    Raises
    ------
    ValueError
        If several threads called malloc: each has a cache of its own, and most have heaps.
    """
    if np.unique(recording.thread).size > 1:
        raise ValueError("malloc was called by several threads; one is modelled")
    first = int(recording.result[np.isin(recording.kind, (MALLOC, CALLOC))][0])
    heap = Glibc(first // PAGE * PAGE)
    ours: dict[int, int] = {}  # address in the process -> that in the model
    counts = np.zeros((2, 2), np.int64)
    mapped = 0
    for number, (kind, result, size, argument) in enumerate(recording.calls()):
        if visit is not None:
            visit(number, heap)
        if kind == MALLOC:
            address = heap.malloc(size)
        elif kind == CALLOC:
            address = heap.calloc(size)
        elif kind == MEMALIGN:
            address = heap.memalign(argument, size)
        elif kind == REALLOC:
            address = heap.realloc(ours.pop(argument) if argument else 0, size)
        else:
            if kind == FREE:
                heap.free(ours.pop(argument))
            elif kind == MALLOPT:
                heap.mallopt(argument, size)
            continue
        ours[result] = address
        if heap.base <= address < heap.end:
            counts[int(size >= LARGE), int(address != result)] += 1
        else:
            mapped += 1
    (small, small_off), (large, large_off) = counts.tolist()
    off = small_off + large_off
    return Replay(small + large + off, off, large + large_off, large_off, mapped, heap)
