"""Spans: contiguous ranges of addresses, in the order in which kernels access them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    """

    start: Ints
    length: Ints
    write: NDArray[np.bool_]
    call: Ints

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

    Examples
    --------
    >>> trace = Recorder()
    >>> with trace.call("relu1", "relu"):
    ...     trace.add((0, 64, False), (0, 64, True))
    >>> len(trace.spans()), trace.calls
    (2, [LibraryCall(layer='relu1', kind='relu')])
    """

    def __init__(self) -> None:
        self.calls: list[LibraryCall] = []
        self._parts: list[tuple[Ints, Ints, NDArray[np.bool_], int]] = []

    @contextmanager
    def call(self, layer: str, kind: str) -> Iterator[None]:
        """Spans added inside belong to this call."""
        self.calls.append(LibraryCall(layer, kind))
        yield

    def add(self, *streams: Stream) -> None:
        """Add streams side by side.

        The starts of all streams have the same shape but for their last axis, or broadcast to
        it. The last axis is the order inside one step: the first stream's spans, then the
        second's, and so on; the axes before it are the loops around, outermost first.
        """
        columns = [
            np.broadcast_arrays(
                np.atleast_1d(np.asarray(start, np.int64)), np.asarray(length, np.int64)
            )
            for start, length, _ in streams
        ]
        loops = np.broadcast_shapes(*(start.shape[:-1] for start, _ in columns))
        starts, lengths, writes = [], [], []
        for (start, length), (_, _, writes_it) in zip(columns, streams, strict=True):
            shape = (*loops, start.shape[-1])
            starts.append(np.broadcast_to(start, shape))
            lengths.append(np.broadcast_to(length, shape))
            writes.append(np.full(shape[-1], writes_it))
        start = np.concatenate(starts, axis=-1)
        written = np.broadcast_to(np.concatenate(writes), start.shape)
        length = np.concatenate(lengths, axis=-1).ravel()
        kept = length > 0
        self._parts.append(
            (start.ravel()[kept], length[kept], written.ravel()[kept], len(self.calls) - 1)
        )

    def spans(self) -> Spans:
        """All of them."""
        if not self._parts:
            empty = np.zeros(0, np.int64)
            return Spans(empty, empty, np.zeros(0, np.bool_), empty)
        starts, lengths, writes, calls = zip(*self._parts, strict=True)
        count = [len(start) for start in starts]
        return Spans(
            np.concatenate(starts),
            np.concatenate(lengths),
            np.concatenate(writes),
            np.repeat(np.array(calls, np.int64), count),
        )
