"""Spans: contiguous ranges of addresses, in the order in which kernels access them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]

Stream = tuple["ArrayLike", "ArrayLike", bool]
"""Starts, lengths (both broadcast) and whether they are written."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Accesses in program order.

    Attributes
    ----------
    start, length : int64 arrays, per span
        Bytes.
    write : bool array, per span
    call : int64 array, per span
        The call that it is part of.
    owner : int64 array, per span
        Whose memory it is: a number that whoever recorded it knows. May be empty where nobody
        asks.
    """

    start: Ints
    length: Ints
    write: NDArray[np.bool_]
    call: Ints
    owner: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.start)

    @property
    def nbytes(self) -> int:
        """Bytes accessed, each as often as it is."""
        return int(self.length.sum())


@dataclass(frozen=True, slots=True)
class LibraryCall:
    """One function that the runtime calls on tensors.

    Attributes
    ----------
    layer : str
        The network's layer that it works for.
    kind : str
        What it does: ``conv``, ``reorder``, ``im2col``, ``gemm``, ``batchnorm``, ...
    """

    layer: str
    kind: str


class Recorder:
    """Collects spans, call by call.

    Parameters
    ----------
    owner_of : callable, optional
        Tells whose memory an address is, at the time when it is accessed; 0 where left out.

    Examples
    --------
    >>> trace = Recorder()
    >>> with trace.call("relu1", "relu"):
    ...     trace.add((0, 64, False), (0, 64, True))
    >>> len(trace.spans()), trace.calls
    (2, [LibraryCall(layer='relu1', kind='relu')])
    """

    def __init__(self, owner_of: Callable[[int], int] = lambda address: 0) -> None:
        self.calls: list[LibraryCall] = []
        self._owner_of = owner_of
        self._parts: list[tuple[Ints, Ints, NDArray[np.bool_], Ints, int]] = []

    @contextmanager
    def call(self, layer: str, kind: str) -> Iterator[None]:
        """Spans added inside belong to this call."""
        self.calls.append(LibraryCall(layer, kind))
        yield

    def add(self, *streams: Stream) -> None:
        """Add streams side by side.

        The starts of all streams have the same shape but for their last axis, or broadcast to
        it. The last axis is the order inside one step: the first stream's spans, then the
        second's, and so on; the axes before it are the loops around, outermost first. All of a
        stream lies in the memory of one owner.
        """
        columns = [
            np.broadcast_arrays(
                np.atleast_1d(np.asarray(start, np.int64)), np.asarray(length, np.int64)
            )
            for start, length, _ in streams
        ]
        loops = np.broadcast_shapes(*(start.shape[:-1] for start, _ in columns))
        starts, lengths, writes, owners = [], [], [], []
        for (start, length), (_, _, writes_it) in zip(columns, streams, strict=True):
            shape = (*loops, start.shape[-1])
            owners.append(np.full(shape[-1], self._owner(start, length)))
            starts.append(np.broadcast_to(start, shape))
            lengths.append(np.broadcast_to(length, shape))
            writes.append(np.full(shape[-1], writes_it))
        start = np.concatenate(starts, axis=-1)
        written = np.broadcast_to(np.concatenate(writes), start.shape)
        owner = np.broadcast_to(np.concatenate(owners), start.shape)
        length = np.concatenate(lengths, axis=-1).ravel()
        kept = length > 0
        begin, is_written, whose = (each.ravel()[kept] for each in (start, written, owner))
        self._parts.append((begin, length[kept], is_written, whose, len(self.calls) - 1))

    def _owner(self, start: Ints, length: Ints) -> int:
        """Whose memory a stream lies in, which its first access tells."""
        some = np.flatnonzero(length)
        return self._owner_of(int(start.ravel()[some[0]])) if len(some) else 0

    def spans(self) -> Spans:
        """All of them."""
        if not self._parts:
            empty = np.zeros(0, np.int64)
            return Spans(empty, empty, np.zeros(0, np.bool_), empty, empty)
        *columns, calls = zip(*self._parts, strict=True)
        start, length, write, owner = (np.concatenate(column) for column in columns)
        count = [len(part[0]) for part in self._parts]
        return Spans(start, length, write, np.repeat(np.array(calls, np.int64), count), owner)
