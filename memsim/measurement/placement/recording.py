"""A recording: what a process asked of malloc, in order, and the addresses that it got."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import SimulationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MALLOC, FREE, CALLOC, REALLOC, MEMALIGN, MALLOPT, TRIM, MARK = range(1, 9)
"""Kinds of records, as ``recorder.c`` writes them."""

ALLOCATES = (MALLOC, CALLOC, REALLOC, MEMALIGN)
"""Those after which there is a block."""

_RECORD = np.dtype(
    [("kind", "<u4"), ("thread", "<u4"), ("result", "<i8"), ("size", "<i8"), ("argument", "<i8")]
)


@dataclass(frozen=True, slots=True)
class Recording:
    """Calls, in the order in which they happened.

    Attributes
    ----------
    kind : int array, per call
        One of the kinds of this module.
    thread : int array, per call
        Threads are numbered from 1, in the order of their first calls.
    result : int64 array, per call
        The address that came back.
    size : int64 array, per call
        Bytes that were asked for; of a ``MALLOPT`` the value.
    argument : int64 array, per call
        The block that was freed or changed; the alignment of a ``MEMALIGN``, the parameter of a
        ``MALLOPT``, the number of a ``MARK``.
    """

    kind: Ints
    thread: Ints
    result: Ints
    size: Ints
    argument: Ints

    @classmethod
    def read(cls, path: Path) -> Recording:
        """Read the file that a recorded process left.

        Raises
        ------
        SimulationError
            If it recorded nothing.
        """
        found = np.fromfile(path, _RECORD) if path.exists() else np.zeros(0, _RECORD)
        if not len(found):
            raise SimulationError("the process recorded no call of malloc")
        return cls(*(found[name].astype(np.int64) for name in _RECORD.names or ()))

    def __len__(self) -> int:
        return len(self.kind)

    def between(self, first: int, last: int) -> Recording:
        """Calls after the first mark of one number and before the next one of another.

        Raises
        ------
        ValueError
            If there is no such mark.
        """
        marks = np.flatnonzero(self.kind == MARK)
        begins = marks[self.argument[marks] == first]
        ends = marks[self.argument[marks] == last]
        ends = ends[ends > begins[0]] if len(begins) else ends[:0]
        if not len(ends):
            raise ValueError(f"there are no marks {first} and {last}, in this order")
        part = slice(int(begins[0]) + 1, int(ends[0]))
        return Recording(*(getattr(self, name)[part] for name in self.__slots__))

    def calls(self) -> Iterator[tuple[int, int, int, int]]:
        """Kind, result, size and argument of every call."""
        columns = (self.kind, self.result, self.size, self.argument)
        return zip(*(column.tolist() for column in columns), strict=True)

    def blocks(self, least: int = 0) -> tuple[Ints, Ints]:
        """Sizes and addresses of blocks of at least some bytes, in the order of their making."""
        chosen = np.isin(self.kind, ALLOCATES) & (self.size >= least)
        return self.size[chosen], self.result[chosen]

    def moved(self, other: Recording, least: int = 0) -> float:
        """Share of the bytes that lie elsewhere in another recording of the same blocks.

        Parameters
        ----------
        other : Recording
            Of a further pass, say.
        least : int
            Bytes of the smallest block that counts.

        Raises
        ------
        ValueError
            If the other one makes other blocks.
        """
        sizes, here = self.blocks(least)
        others, there = other.blocks(least)
        if not np.array_equal(sizes, others):
            raise ValueError("these are recordings of other blocks")
        total = int(sizes.sum())
        return int(sizes[here != there].sum()) / total if total else 0.0
