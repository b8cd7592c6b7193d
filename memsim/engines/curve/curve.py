"""The curve: DRAM traffic at every cache size at once, exactly, for LRU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.trace import KIND, WRITE_THROUGH
from memsim.engines.compiled import INFINITE
from memsim.engines.curve.tally import CHUNK, Tally, runs
from memsim.engines.curve.thresholds import thresholds
from memsim.errors import InputError, Problem
from memsim.machine.cache import Cache
from memsim.program.kernel import Cause, Role
from memsim.program.parts import Part, compulsory
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


class Movement(IntEnum):
    """What bytes do below their threshold: two ways in, two ways out."""

    FETCH = 0
    """Compulsory: the first fetch of a weight or a network input."""
    RELOAD = 1
    SPILL = 2
    RESULT = 3
    """Compulsory: the write of a network output."""

    @property
    def reads(self) -> bool:
        """Whether it comes from DRAM."""
        return self in (Movement.FETCH, Movement.RELOAD)


_CAUSES = {
    Movement.FETCH: Cause.COMPULSORY,
    Movement.RELOAD: Cause.RELOAD,
    Movement.SPILL: Cause.SPILL,
    Movement.RESULT: Cause.COMPULSORY,
}


@dataclass(frozen=True, slots=True)
class StepFunction:
    """DRAM traffic as a function of the cache size.

    Entry ``i`` holds from ``cache_bytes[i]`` up to, not including, ``cache_bytes[i + 1]``; the
    last one holds for everything larger. The first size is 0.

    Attributes
    ----------
    cache_bytes : int64 array
        Ascending.
    read_bytes, write_bytes : int64 arrays
        Descending.
    weight_bytes : int64 array
        What of the reads is weights, descending.
    """

    cache_bytes: Ints
    read_bytes: Ints
    write_bytes: Ints
    weight_bytes: Ints

    @property
    def dram_bytes(self) -> Ints:
        """Reads and writes."""
        total: Ints = self.read_bytes + self.write_bytes
        return total

    @property
    def map_bytes(self) -> Ints:
        """Reads and writes of feature maps."""
        maps: Ints = self.dram_bytes - self.weight_bytes
        return maps

    def index(self, capacity: int) -> int:
        """The entry that holds at a capacity."""
        return int(np.searchsorted(self.cache_bytes, capacity, side="right")) - 1


@dataclass(frozen=True)
class Curve:
    """Traffic of one program for all capacities of an LRU cache.

    Every row says: this kernel moves these bytes of this tensor, in this role, iff the capacity
    is below the threshold. The rows are sorted by threshold, and as many as there are distinct
    thresholds per kernel, tensor, role and move. All methods answer in sums over them.

    Attributes
    ----------
    program : Program
    step : int64 array, one entry per distinct threshold
        Bytes of capacity, ascending from a 0 that no row has; ``INFINITE`` where bytes always move.
    first : int32 or int64 array, thresholds + 1
        The first row of each, and where the rows end.
    nbytes : int32 or int64 array, one entry per row
        Bytes that move.
    column : int32 array, per row
        The number of its group times the number of movements, plus its :class:`Movement`.
    of_group : int64 array, groups x 3
        The kernel to which the bytes are charged; the tensor they belong to; their
        :class:`~memsim.program.kernel.Role`.
    only : Part or None
        The part of the traffic that the rows are.
    sampled : tuple of int
        The sizes at which the traffic was found, where it was not at all of them: between two of
        them it is told as at the smaller one.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> traffic = curve(program)
    >>> traffic.read_bytes(10**9) == program.compulsory_read_bytes
    True
    >>> size = traffic.smallest_within(Fraction(1, 10))  # 10 % above compulsory
    >>> enough = program.compulsory_bytes * 1.1
    >>> traffic.dram_bytes(size) <= enough < traffic.dram_bytes(size - 1)
    True
    """

    program: Program
    step: Ints = field(repr=False)
    first: NDArray[np.int32] | Ints = field(repr=False)
    nbytes: NDArray[np.int32] | Ints = field(repr=False)
    column: NDArray[np.int32] = field(repr=False)
    of_group: Ints = field(repr=False)
    only: Part | None = None
    sampled: tuple[int, ...] = ()

    # ---- rows

    @property
    def threshold(self) -> Ints:
        """The threshold of each row, ascending."""
        return np.repeat(self.step, np.diff(self.first))

    @property
    def finite(self) -> int:
        """How many entries :attr:`step` has that some capacity reaches."""
        return len(self.step) - int(self.step[-1] == INFINITE)

    @property
    def kernel(self) -> NDArray[np.int32]:
        """The kernel of each row."""
        return self._of(0)

    @property
    def tensor(self) -> NDArray[np.int32]:
        """The tensor of each row."""
        return self._of(1)

    @property
    def role(self) -> NDArray[np.int32]:
        """The :class:`~memsim.program.kernel.Role` of each row."""
        return self._of(2)

    @property
    def move(self) -> NDArray[np.int32]:
        """The :class:`Movement` of each row."""
        return self.column % len(Movement)

    def _of(self, what: int) -> NDArray[np.int32]:
        return self._each(self.of_group[:, what].astype(np.int32))

    def _each(self, of_group: NDArray[np.int32]) -> NDArray[np.int32]:
        """What is known of the group of each row."""
        return np.repeat(of_group, len(Movement))[self.column]

    # ---- totals

    @cached_property
    def steps(self) -> StepFunction:
        """Total reads and writes as one step function."""
        finite = self.finite
        reads = np.tile([move.reads for move in Movement], len(self.of_group))
        weights = np.repeat(self.of_group[:, 2] == Role.WEIGHT, len(Movement))
        columns = []
        for chosen in (reads, ~reads, weights):
            moved = np.zeros(finite, np.int64)
            always = 0
            for begin in range(1, len(self.step), CHUNK):
                starts = self.first[begin : begin + CHUNK + 1]
                rows = slice(starts[0], starts[-1])
                those = np.where(chosen[self.column[rows]], self.nbytes[rows], 0)
                sums = np.add.reduceat(those, starts[:-1] - starts[0], dtype=np.int64)
                moved[begin : begin + len(sums)] = sums[: max(finite - begin, 0)]
                always += int(sums[max(finite - begin, 0) :].sum())
            np.cumsum(moved, out=moved)
            np.subtract(moved[-1] + always, moved, out=moved)
            columns.append(moved)
        sizes = self.step[:finite]
        kept = np.ones(finite, np.bool_)  # reads and writes fall, or stay
        kept[1:] = (np.diff(columns[0]) != 0) | (np.diff(columns[1]) != 0)
        if kept.all():
            return StepFunction(sizes, *columns)
        return StepFunction(sizes[kept], *(column[kept] for column in columns))

    def read_bytes(self, capacity: int) -> int:
        """Bytes read from DRAM."""
        return int(self.steps.read_bytes[self.steps.index(capacity)])

    def write_bytes(self, capacity: int) -> int:
        """Bytes written to DRAM."""
        return int(self.steps.write_bytes[self.steps.index(capacity)])

    def dram_bytes(self, capacity: int) -> int:
        """Bytes read from and written to DRAM."""
        return self.read_bytes(capacity) + self.write_bytes(capacity)

    # ---- columns

    def at(self, capacity: int) -> Ints:
        """Bytes at a capacity, kernels x roles x causes: what the cache pass finds there."""
        traffic: Ints = self.at_each([capacity])[0]
        return traffic

    def at_each(self, capacities: Sequence[int] | Ints) -> Ints:
        """Bytes at each of some capacities, capacities x kernels x roles x causes."""
        shape = (len(self.program.kernels), len(Role))
        kernel, _, role = self.of_group.T
        return self._sums(capacities, kernel * len(Role) + role, shape)

    def tensors_at(self, capacity: int) -> Ints:
        """Bytes at a capacity, tensors x causes."""
        traffic: Ints = self.tensors_at_each([capacity])[0]
        return traffic

    def tensors_at_each(self, capacities: Sequence[int] | Ints) -> Ints:
        """Bytes at each of some capacities, capacities x tensors x causes."""
        return self._sums(capacities, self.of_group[:, 1], (len(self.program.tensors),))

    def columns(self) -> dict[tuple[int, Role, Cause], tuple[Ints, Ints]]:
        """The step function of each kernel, role and cause that ever moves a byte.

        Returns
        -------
        dict
            From (kernel, role, cause) to sizes, ascending from 0, and the bytes that move from
            each size up to the next.
        """
        columns = {}
        causes = np.array([_CAUSES[move] for move in Movement])
        kernel, _, role_of = self.of_group.T
        thresholds = self.threshold
        charged = self._each((kernel * len(Role) + role_of).astype(np.int32))
        order = np.argsort(charged, kind="stable")  # by column, and by threshold within
        edges = np.flatnonzero(np.diff(charged[order], prepend=-1, append=-1))
        for begin, end in pairwise(edges):
            rows = order[begin:end]
            kernel, role = divmod(int(charged[rows[0]]), len(Role))
            of_cause = causes[self.move[rows]]
            for cause in Cause:
                chosen = rows[of_cause == cause]
                if not len(chosen):
                    continue
                threshold = thresholds[chosen]
                sizes = np.unique(np.concatenate([[0], threshold[threshold < INFINITE]]))
                sums = np.concatenate([np.cumsum(self.nbytes[chosen][::-1])[::-1], [0]])
                moved = sums[np.searchsorted(threshold, sizes, side="right")]
                columns[kernel, Role(role), cause] = (sizes, moved)
        return columns

    def _sums(
        self,
        capacities: Sequence[int] | Ints,
        cell: Ints,
        shape: tuple[int, ...],
    ) -> Ints:
        """Bytes at each capacity by what ``cell`` says of each group."""
        sizes, place = np.unique(np.asarray(capacities, np.int64), return_inverse=True)
        cells, moves = int(np.prod(shape)), len(Movement)
        # A row moves at the sizes below its threshold: count it at the largest of them, and
        # then let every size add what was counted at larger ones.
        largest = np.searchsorted(sizes, self.step, side="left") - 1
        largest = np.repeat(largest, np.diff(self.first))
        chosen = largest >= 0
        flat = np.zeros(len(sizes) * cells * moves, np.int64)
        group, which = np.divmod(self.column[chosen], moves)
        where = (largest[chosen] * cells + cell[group]) * moves + which
        np.add.at(flat, where, self.nbytes[chosen])
        moved = np.cumsum(flat.reshape(len(sizes), cells, moves)[::-1], axis=0)[::-1]
        by_cause = np.zeros((len(sizes), cells, len(Cause)), np.int64)
        for move, cause in _CAUSES.items():
            by_cause[..., cause] += moved[..., move]
        traffic: Ints = by_cause[place.reshape(-1)].reshape(-1, *shape, len(Cause))
        return traffic

    # ---- the architect's question

    def smallest(self, traffic_bytes: int) -> int | None:
        """The smallest cache in bytes with at most this DRAM traffic; None if none does it."""
        total = self.steps.dram_bytes
        enough = int(np.searchsorted(-total, -traffic_bytes, side="left"))
        return int(self.steps.cache_bytes[enough]) if enough < len(total) else None

    def smallest_within(self, fraction: float | Fraction) -> int | None:
        """The smallest cache whose traffic is at most this fraction above the compulsory.

        None if none does it.
        """
        least = sum(compulsory(self.program, self.only))
        return self.smallest(int(least * (1 + Fraction(fraction))))

    def of(self, only: Part | None) -> Curve:
        """The same of one part of the traffic; None for all of it."""
        if only is None:
            return self
        kept = np.isin(self.role, only.roles)
        step, first = runs(self.threshold[kept])
        nbytes, column = self.nbytes[kept], self.column[kept]
        return replace(self, only=only, step=step, first=first, nbytes=nbytes, column=column)


def curve(program: Program, cache: Cache | int = 0) -> Curve:
    """Find the traffic of a program for every capacity of an LRU cache, in one pass.

    Parameters
    ----------
    program : Program
    cache : Cache or int
        All of it but its size matters; a scratchpad unless told otherwise.

    Raises
    ------
    InputError
        For an unknown management, another policy than LRU, and for sets: one pass needs a fully
        associative cache.

    Notes
    -----
    LRU by bytes keeps the longest prefix of the recency stack that fits. An access hits iff the
    largest depth that its block has had since its last access, itself included, is at most the
    capacity; the depth falls only where blocks that are dead leave. A dirty block is written
    back iff the largest depth it reaches, until it is overwritten or dies, exceeds the capacity.
    The first access of a weight or a network input misses at every capacity: it is compulsory.
    Every other fetch is a reload, since the bytes were on chip before: fetched, or made there.
    Stack distances are due to Mattson et al., IBM Systems Journal 9(2), 1970, for equal blocks.
    """
    cache = Cache.of(cache)
    management = MANAGEMENTS[cache.management]
    if reason := management.one_pass(cache):
        raise InputError(Problem(reason, hint="run once per size instead"))
    trace = management.short_trace(program, cache)
    of_group, group = groups(program)
    touch, writer = trace.touch, trace.writer_or_touch
    tally = Tally(len(of_group) * len(Movement), int(trace.size.sum()))
    is_output = program.cell_is_output[program.touch_cell]
    is_given = program.cell_is_given[program.touch_cell]
    for run in thresholds(trace):
        threshold, at = run.threshold[run.fetches], run.at[run.fetches]
        first = is_given[touch[at]] & (threshold == INFINITE)
        move = np.where(first, Movement.FETCH, Movement.RELOAD)
        tally.add(group[touch[at]] + move, threshold, run.missed[run.fetches])
        # What is dirty is written back when it is evicted; an output that is left dirty in the
        # end, always: that is its result, and what was written back of it before is a spill.
        # What is written through is written at once.
        at, below = run.dirtied_at, run.spilled_below
        final = is_output[writer[at]] & (run.begin == run.end)
        below = np.where(final, INFINITE, below)
        move = np.where(final, Movement.RESULT, Movement.SPILL)
        tally.add(group[writer[at]] + move, below, run.spilled)
        codes = trace.code[run.begin : run.end]
        at = run.begin + np.flatnonzero((codes & KIND) == WRITE_THROUGH)
        always = np.full(len(at), INFINITE)
        tally.add(group[touch[at]] + Movement.RESULT, always, trace.size[trace.block[at]])

    step, first_row, column, nbytes = tally.rows()
    return Curve(program, step, first_row, nbytes, column, of_group)


def groups(program: Program) -> tuple[Ints, Ints]:
    """The kernel, tensor and role of each group of touches; each touch's group, times moves."""
    tensors, roles = len(program.tensors), len(Role)
    kernel = program.task_kernel[program.touch_task].astype(np.int64)
    tensor = program.cell_tensor[program.touch_cell]
    keys, group = np.unique(
        (kernel * tensors + tensor) * roles + program.touch_role, return_inverse=True
    )
    rest, role = np.divmod(keys, roles)
    return np.stack([*np.divmod(rest, tensors), role], axis=1), group * len(Movement)
