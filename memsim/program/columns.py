"""Columns: tasks and their touches, listed from the plans of all kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.program.blocks import Bands, Cells, Edges
from memsim.program.kernel import Role
from memsim.program.plan import Access, KernelPlan
from memsim.program.tensor_table import TensorTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]
    Blocks = tuple[Index, Index, Index, Index, Index]

AT_ONCE = 1 << 17
"""Accesses of tasks that are listed at once: what is needed on the way then stays small beside what
comes out."""


@dataclass(slots=True)
class Columns:
    """Tasks in order, and what they touch; the columns are those of a program.

    Only ``task_image`` is not: the first image of each task, for schedules.
    """

    task_kernel: NDArray[np.int32]
    task_image: NDArray[np.int32]
    task_macs: Index
    task_work: Index
    task_start: Index
    cell: NDArray[np.int32]
    write: NDArray[np.bool_]
    role: NDArray[np.uint8]

    def reorder(self, order: Index | None) -> None:
        """Run the tasks in another order; None keeps it."""
        if order is None:
            return
        counts = np.diff(self.task_start)[order]
        start = np.concatenate([[0], np.cumsum(counts)])
        source = np.repeat(self.task_start[:-1][order] - start[:-1], counts) + np.arange(start[-1])
        self.task_start = start
        for name in ("task_kernel", "task_image", "task_macs", "task_work"):
            setattr(self, name, getattr(self, name)[order])
        for name in ("cell", "write", "role"):
            setattr(self, name, getattr(self, name)[source])


class Listing:
    """The tasks of all kernels in the kernels' order, and the cells that these cut.

    Parameters
    ----------
    plans : sequence of KernelPlan
    tensors : TensorTable
        All that they access.
    largest : int
        Largest block, in bytes.

    Attributes
    ----------
    cells : Cells
    """

    def __init__(self, plans: Sequence[KernelPlan], tensors: TensorTable, largest: int) -> None:
        self._tasks = _Tasks(plans)
        accesses = [access for plan in plans for access in plan.accesses]
        self._of_kernel = _ends([len(plan.accesses) for plan in plans])
        self._kernel = np.repeat(np.arange(len(plans)), np.diff(self._of_kernel))
        self._tensor = np.array([tensors.number(each.tensor) for each in accesses], np.int64)
        facts = [(a.role, a.write, a.once, a.tile, a.rows_by, a.channels_by) for a in accesses]
        role, write, once, tile, rows_by, channels_by = zip(*facts, strict=True)
        self._role, self._write = np.array(role, np.uint8), np.array(write, np.bool_)
        self._once = np.array(once, np.bool_)
        self._again = (self._role == Role.WEIGHT) & ~np.array(tile, np.bool_)
        self._rows_by = np.array([by == "block" for by in rows_by], np.bool_)
        self._channels_by = np.array([by == "strip" for by in channels_by], np.bool_)
        self._whole: Blocks | None = None
        self._cut(accesses, tensors, largest)

    def _cut(self, accesses: list[Access], tensors: TensorTable, largest: int) -> None:
        """Cut all tensors where accesses begin and end, and note which parts each covers."""
        shapes = tensors.shapes()
        runs, bands = [each.rows for each in accesses], None
        across = [each.across for each in accesses]
        if any(each is not None for each in across):
            itemsizes = [each.itemsize for each in tensors.all()]
            bands = Bands(shapes, itemsizes, self._tensor, across)
            told = zip(self._tensor.tolist(), runs, across, strict=True)
            runs = [bands.spread(*each) for each in told]
        starts, first = _joined([each.start for each in runs])
        low, of_low = _joined([each.low for each in runs])
        high = np.concatenate([each.high for each in runs])
        left, of_left = _joined([each.channels[0] for each in accesses])
        right = np.concatenate([each.channels[1] for each in accesses])
        within = np.array(list(chain.from_iterable(each.within for each in accesses)), np.int64)
        begin, size, own = (np.repeat(within[i::3], np.diff(of_left)) for i in range(3))
        left = np.clip(left - begin, 0, size) + own
        right = np.clip(right - begin, 0, size) + own
        row_tensor = np.repeat(self._tensor, np.diff(of_low))
        channel_tensor = np.repeat(self._tensor, np.diff(of_left))
        both = np.concatenate([row_tensor, row_tensor]), np.concatenate([low, high])
        heights = shapes[:, 2]
        if bands is not None:
            heights = heights * bands.count
            tensors_cut, edges_cut = bands.borders
            both = np.append(both[0], tensors_cut), np.append(both[1], edges_cut)
        rows = Edges(heights, *both)
        both = np.concatenate([channel_tensor, channel_tensor]), np.concatenate([left, right])
        channels = Edges(shapes[:, 1], *both)
        self.cells = Cells(shapes, rows, channels, largest, bands)
        self._first_start, self._first_channel = first[:-1], of_left[:-1]
        self._start = starts + np.repeat(of_low[:-1], np.diff(first))
        self._low, self._high = rows.part(row_tensor, low), rows.part(row_tensor, high)
        self._left = channels.part(channel_tensor, left)
        self._right = channels.part(channel_tensor, right)

    def columns(self, most: int) -> Columns | None:
        """List the tasks and what they touch; None if there are more touches or cells than most."""
        if self.cells.count > most:
            return None
        tasks = self._tasks
        cell, write, role, counts = [], [], [], []
        for begin, end in self._portions():
            task, access, first, count = self._runs(begin, end)
            ends = np.cumsum(count)
            total = int(ends[-1])
            most -= total
            if most < 0:
                return None
            numbers = np.repeat(first - (ends - count), count) + np.arange(total)
            cell.append(numbers.astype(np.int32))
            write.append(np.repeat(self._write[access], count))
            role.append(np.repeat(self._role[access], count))
            of = np.arange(tasks.first[begin], tasks.first[end] + 1)
            counts.append(np.diff(np.append(0, ends)[np.searchsorted(task, of)]))
        macs, work = tasks.costs()
        return Columns(
            task_kernel=tasks.kernel.astype(np.int32),
            task_image=tasks.images[0].astype(np.int32),
            task_macs=macs,
            task_work=work,
            task_start=_ends(np.concatenate(counts)),
            cell=np.concatenate(cell),
            write=np.concatenate(write),
            role=np.concatenate(role),
        )

    def _portions(self) -> Iterator[tuple[int, int]]:
        """Kernels ``[begin, end)`` that are listed at once: at least one, else not too many."""
        each = np.diff(self._tasks.first) * np.diff(self._of_kernel)
        ends = np.cumsum(each)
        begin = 0
        while begin < len(each):
            done = int(ends[begin - 1]) if begin else 0
            end = max(int(np.searchsorted(ends, done + AT_ONCE, side="right")), begin + 1)
            yield begin, end
            begin = end

    def touches(self) -> int:
        """How many touches there will be, counted without listing them."""
        tasks = self._tasks
        strips = _ends(self._high - self._low)
        total = 0
        for begin, end in self._portions():
            task, access, rows, _, across = self._blocks(begin, end)
            first, last = (each[task] for each in tasks.images)
            images = np.where(self.cells.shapes[self._tensor[access], 0] > 1, last - first, 1)
            down = strips[self._start[rows + 1]] - strips[self._start[rows]]
            total += int((down * across * images).sum())
        return total

    def _blocks(self, begin: int, end: int) -> Blocks:
        """What each task of some kernels accesses of each tensor, task by task.

        The task, the access, the entry of its rows, its first channel part and how many they are.
        Where these are all kernels it is kept: touches are counted, and then listed.
        """
        if end - begin < len(self._of_kernel) - 1:
            return self._accessed(begin, end)
        if self._whole is None:
            self._whole = self._accessed(begin, end)
        return self._whole

    def _accessed(self, begin: int, end: int) -> Blocks:
        tasks = self._tasks
        mine = np.arange(tasks.first[begin], tasks.first[end])
        kernel = tasks.kernel[mine]
        accesses = np.diff(self._of_kernel)[kernel]
        task, number = _repeated(mine, accesses)
        access = np.repeat(self._of_kernel[kernel], accesses) + number
        # The last part of a tile's tasks writes it; the first one reads what it needs, but each
        # goes through the weights.
        reads = (tasks.part == 0)[task] | self._again[access]
        writes = (tasks.part == tasks.parts - 1)[task]
        does = np.where(self._write[access], writes, reads)
        if self._once.any():
            does = np.where(self._once[access], task == tasks.first[tasks.kernel[task]], does)
        strip, block = tasks.strip[task], tasks.block[task]
        channels = self._first_channel[access]
        channels += np.where(self._channels_by[access], strip, block)
        left: Index = self._left[channels]
        across: Index = self._right[channels] - left
        does &= across > 0
        rows = self._first_start[access]
        rows += np.where(self._rows_by[access], block, strip)
        return task[does], access[does], rows[does], left[does], across[does]

    def _runs(self, begin: int, end: int) -> tuple[Index, Index, Index, Index]:
        """Of some kernels every run of consecutive cells, in the order in which they are touched.

        Its task, its access, its first cell and its number of cells.
        """
        cells = self.cells
        task, access, rows, left, across = self._blocks(begin, end)
        of = np.arange(len(task))
        runs = self._start[rows]
        of, number = _repeated(of, self._start[rows + 1] - runs)
        runs = self._start[rows[of]] + number
        tensor, low = self._tensor[access[of]], self._low[runs]
        strips = self._high[runs] - low
        first, last = (each[task[of]] for each in self._tasks.images)
        several = cells.shapes[tensor, 0] > 1
        images = np.where(several, last - first, 1)
        # An access has a run for each strip of cells of each image that it covers. A tensor of one
        # image, such as parameters, serves all of them and is accessed once.
        each, number = _repeated(np.arange(len(of)), strips * images)
        strips = strips[each]
        strip: Index = number % strips
        image: Index = number // strips
        of, tensor = of[each], tensor[each]
        image = np.where(several, first, 0)[each] + image
        begins: Index = cells.first[tensor] + image * cells.of_image[tensor]
        begins += (low[each] + strip) * cells.channels.parts[tensor] + left[of]
        return task[of], access[of], begins, across[of]


class _Tasks:
    """The tasks of all kernels, in columns.

    Attributes
    ----------
    first : int64 array, kernels + 1
        First task of each kernel.
    kernel, strip, block, part, parts : int64 arrays, per task
    images : pair of int64 arrays, per task
        First and behind the last.
    """

    def __init__(self, plans: Sequence[KernelPlan]) -> None:
        self.plans = plans
        tilings = [plan.tiling for plan in plans]
        self.strip, self.first = _joined([tiling.strip for tiling in tilings])
        self.block, _ = _joined([tiling.block for tiling in tilings])
        self.part, _ = _joined([tiling.part for tiling in tilings])
        self.parts, _ = _joined([tiling.parts for tiling in tilings])
        group, _ = _joined([tiling.group for tiling in tilings])
        self.kernel = np.repeat(np.arange(len(plans)), np.diff(self.first))
        self.images = self._range([tiling.images for tiling in tilings], group)
        strips = [tiling.strips for tiling in tilings]
        low, first = _joined([each.low for each in strips])
        high, _ = _joined([each.high for each in strips])
        at = first[self.kernel] + self.strip
        self.rows = low[at], high[at]
        self.columns = np.array([plan.kernel.output.grid[3] for plan in plans])[self.kernel]
        for number, tiling in enumerate(tilings):
            if tiling.across is not None:
                mine = slice(self.first[number], self.first[number + 1])
                self.columns[mine] = (tiling.across[1] - tiling.across[0])[tiling.strip]
        self.channels = self._range([tiling.channels for tiling in tilings], self.block)

    def _range(self, edges: list[Index], part: Index) -> tuple[Index, Index]:
        """What each task has of an axis, that kernels cut at some edges."""
        joined, first = _joined(edges)
        at = first[self.kernel] + part
        return joined[at], joined[at + 1]

    def costs(self) -> tuple[Index, Index]:
        """MACs and elementwise operations of each task; they sum to the kernels'.

        To more than these, where rows are computed anew.
        """
        kernels = [plan.kernel for plan in self.plans]
        facts = [(k.work, k.macs, k.output.size) for k in kernels]
        work, macs, size = np.array(facts, np.int64).T[:, self.kernel]
        images, heights, widths = (
            high - low for low, high in (self.images, self.rows, self.channels)
        )
        outputs = images * heights * widths * self.columns
        part, parts = self.part, self.parts
        outputs = outputs * (part + 1) // parts - outputs * part // parts
        work = outputs * work
        per_output, rest = np.divmod(macs, size)
        macs = outputs * per_output
        for number, plan in enumerate(self.plans):
            mine = slice(self.first[number], self.first[number + 1])
            if plan.loaded is not None:
                loaded = images[mine] * plan.loaded[self.strip[mine], self.block[mine]]
                work[mine] += loaded * (part[mine] == 0) * plan.kernel.load_work
            if rest[mine][0]:
                # A transposed convolution's MACs do not divide evenly; share them out without loss.
                whole, total = plan.kernel.macs, plan.kernel.output.size
                shares = [whole * int(end) // total for end in np.cumsum(outputs[mine])]
                macs[mine] = np.diff(np.array([0, *shares], np.int64))
        return macs, work


def _ends(counts: Any) -> Index:
    """Where parts of these sizes end that follow one another, from 0."""
    return np.append(0, np.cumsum(counts, dtype=np.int64))


def _joined(parts: list[Index]) -> tuple[Index, Index]:
    """Arrays one after the other, and where each of them begins and ends."""
    return np.concatenate(parts), _ends(list(map(len, parts)))


def _repeated(values: Index, counts: Index) -> tuple[Index, Index]:
    """Each value so many times, and the number of each time from 0."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(values, counts), np.arange(total) - np.repeat(ends - counts, counts)
