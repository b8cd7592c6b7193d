"""Building a program: lower, tile, cut into blocks, list the accesses, schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from memsim.errors import InputError, Problem, SimulationError, did_you_mean
from memsim.network.graph import Network
from memsim.network.tensor import Tensor
from memsim.program.blocks import LARGEST_BLOCK, Grid
from memsim.program.columns import Columns
from memsim.program.kernel import Kernel, Role, View
from memsim.program.lowering import LOWERINGS
from memsim.program.lowering.base import output_roots
from memsim.program.program import Program, Stored
from memsim.program.roles import read_role, write_role
from memsim.program.schedule import SCHEDULES
from memsim.program.tiling import ORDERS, Tiling, block_channels, strip_rows, tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Index = NDArray[np.int64]

MOST_TOUCHES = 100_000_000
"""Largest program, in touches of cells: some 3 GB of columns."""

TILES = ("auto", "whole")


def build(
    network: Network,
    *,
    buffer: int,
    lowering: str = "fused",
    schedule: str = "layer_by_layer",
    order: str = "rows_outer",
    tile: str = "auto",
    block: int = LARGEST_BLOCK,
) -> Program:
    """Turn a network into a program.

    Parameters
    ----------
    network : Network
    buffer : int
        Bytes of the machine's streaming buffers; they decide the tiling.
    lowering, schedule, order : str
        Keys of ``LOWERINGS``, ``SCHEDULES`` and ``ORDERS``.
    tile : str
        ``auto``, or ``whole`` for one task per kernel and image.
    block : int
        Largest block, in bytes.

    Raises
    ------
    InputError
        For an unknown name.
    SimulationError
        If the buffers do not hold the smallest tile, or the program would be too large.

    Examples
    --------
    >>> from memsim.network import Node, Network
    >>> from memsim.network.ops.conv import Conv
    >>> from memsim.network.ops.shape import Input
    >>> net = Network("tiny", [Node("x", Input(shape=(3, 8, 8))),
    ...                        Node("c", Conv(out=4, kernel=3), ("x",))])
    >>> program = build(net, buffer=65536)
    >>> program
    <Program tiny: 1 kernels, 1 tasks, 3 accesses, 3 blocks>
    >>> program.compulsory_bytes  # input, weights, output in fp32
    2224
    """
    if tile not in TILES:
        raise InputError(Problem(f"unknown tile {tile!r}", hint=did_you_mean(tile, TILES)))
    arrange, rule = SCHEDULES[schedule], LOWERINGS[lowering]
    ORDERS[order]  # an unknown name is an error before any work
    kernels = rule.lower(network)
    if not kernels:
        raise SimulationError(f"{network.name} computes nothing: there is nothing to simulate")
    assembly = _Assembly(network, kernels, buffer, order, tile, block)
    columns = assembly.columns()
    columns.reorder(arrange(columns.task_kernel, columns.task_image))
    options: dict[str, str | int] = {
        "lowering": lowering,
        "schedule": schedule,
        "order": order,
        "tile": tile,
        "buffer_bytes": buffer,
        "block_bytes": block,
    }
    return assembly.program(columns, options)


@dataclass(slots=True)
class _Read:
    """One segment that a kernel reads: the rows per strip and the channels per block."""

    tensor: str
    role: Role
    rows: tuple[Index, Index]
    channels: tuple[Index, Index]
    once: bool = False
    """Read by the kernel's first task alone (a prologue's scales and shifts)."""


@dataclass(slots=True)
class _Plan:
    """One kernel with its tiling and all it touches."""

    kernel: Kernel
    tiling: Tiling
    reads: list[_Read] = field(default_factory=list)
    loaded: Index | None = None
    """Elements loaded per (strip, block) by the kernel's own operands, where a prologue asks."""


class _Assembly:
    """Plans all kernels, then cuts all tensors, then lists all accesses."""

    def __init__(
        self,
        network: Network,
        kernels: tuple[Kernel, ...],
        buffer: int,
        order: str,
        tile_: str,
        block: int,
    ) -> None:
        self.network, self.kernels, self.block = network, kernels, block
        self.itemsize = kernels[0].output.itemsize
        self.tensors: dict[str, Stored] = {}
        self.grids: dict[str, Grid] = {}
        self.base: dict[str, int] = {}
        leaves = output_roots(network)
        for layer in network:
            if layer.op.is_input:
                self._store(layer.name, "input", *_image(layer.output))
        for kernel in kernels:
            kind = "output" if kernel.output.name in leaves else "activation"
            self._store(kernel.output.name, kind, *_image(kernel.output))
        self.plans = [
            self._plan(kernel, tile(kernel, buffer, order, tile_ == "whole")) for kernel in kernels
        ]
        self._freeze()

    def _store(self, name: str, kind: str, images: int, channels: int, rows: int, unit: int) -> str:
        self.tensors[name] = Stored(name, kind, (images, channels, rows, unit), self.itemsize)
        self.grids[name] = Grid(channels, rows, unit, images, self.block)
        return name

    def _plan(self, kernel: Kernel, tiling: Tiling) -> _Plan:
        plan = _Plan(kernel, tiling)
        self.grids[kernel.output.name].cut(tiling.rows, tiling.channels)
        for number, operand in enumerate(kernel.operands):
            if number == kernel.own:
                self._read_weights(plan)
            self._read_operand(plan, number, operand.role, operand.view)
        if len(kernel.operands) == kernel.own:
            self._read_weights(plan)
        return plan

    def _read_operand(self, plan: _Plan, number: int, role: Role, view: View) -> None:
        kernel, tiling = plan.kernel, plan.tiling
        rows = strip_rows(kernel, number, tiling.rows)
        channels = block_channels(kernel, number, tiling.channels)
        offset = 0
        for segment in view.segments:
            stored = self.tensors[segment.tensor]
            size = segment.stop - segment.start
            if view.flat:
                span, part = _whole(rows, stored.shape[2]), _whole(channels, size)
            else:
                span = rows
                low, high = channels
                part = np.clip(low - offset, 0, size), np.clip(high - offset, 0, size)
            part = (part[0] + segment.start, part[1] + segment.start)
            self._add(plan, _Read(segment.tensor, read_role(role, stored.kind), span, part))
            offset += size
        if kernel.load_work and number < kernel.own:
            height, width = rows[1] - rows[0], channels[1] - channels[0]
            plan.loaded = np.outer(height, width) * view.shape[2]
        for name, per_channel in view.prologue:
            if per_channel:
                self._read_once(plan, f"{name}.weight", view.shape[0], per_channel)

    def _read_once(self, plan: _Plan, name: str, channels: int, per_channel: int) -> None:
        self._store(name, "weight", 1, channels, 1, per_channel * self.itemsize)
        strips, blocks = len(plan.tiling.rows) - 1, len(plan.tiling.channels) - 1
        rows = _whole((np.zeros(strips, np.int64),) * 2, 1)
        part = _whole((np.zeros(blocks, np.int64),) * 2, channels)
        self._add(plan, _Read(name, Role.WEIGHT, rows, part, once=True))

    def _read_weights(self, plan: _Plan) -> None:
        kernel, tiling = plan.kernel, plan.tiling
        if not kernel.stored:
            return
        name = f"{kernel.name}.weight"
        self._store(name, "weight", 1, kernel.output.image[0], 1, kernel.stored * self.itemsize)
        rows = _whole((tiling.rows[:-1],) * 2, 1)
        self._add(plan, _Read(name, Role.WEIGHT, rows, (tiling.channels[:-1], tiling.channels[1:])))

    def _add(self, plan: _Plan, read: _Read) -> None:
        self.grids[read.tensor].cut(np.concatenate(read.rows), np.concatenate(read.channels))
        plan.reads.append(read)

    def _freeze(self) -> None:
        count = 0
        for name, grid in self.grids.items():
            grid.freeze()
            self.base[name] = count
            count += grid.cells * grid.images
            if count > MOST_TOUCHES:
                raise _too_large(self.network.name)

    def columns(self) -> Columns:
        """List the accesses of all kernels in the kernels' order."""
        parts: list[Columns] = []
        total = 0
        for number, plan in enumerate(self.plans):
            part = self._accesses(number, plan)
            total += len(part.cell)
            if total > MOST_TOUCHES:
                raise _too_large(self.network.name)
            parts.append(part)
        return Columns.join(parts)

    def _accesses(self, number: int, plan: _Plan) -> Columns:
        kernel, tiling = plan.kernel, plan.tiling
        tasks = len(tiling)
        output = tiling.rows[:-1], tiling.rows[1:]
        written = _Read(
            kernel.output.name,
            write_role(kernel.output_role, self.tensors[kernel.output.name].kind),
            output,
            (tiling.channels[:-1], tiling.channels[1:]),
        )
        runs = [self._runs(tiling, read) for read in (*plan.reads, written)]
        slot = np.repeat(np.arange(len(runs)), [len(run[0]) for run in runs])
        task = np.concatenate([run[0] for run in runs])
        order = np.argsort(task, kind="stable")  # runs are listed slot by slot
        task, slot = task[order], slot[order]
        first = np.concatenate([run[1] for run in runs])[order]
        count = np.concatenate([run[2] for run in runs])[order]
        end = np.cumsum(count)
        if end[-1] > MOST_TOUCHES:
            raise _too_large(self.network.name)
        cell = np.repeat(first - (end - count), count) + np.arange(end[-1])
        roles = np.array([read.role for read in (*plan.reads, written)], dtype=np.uint8)
        per_task = np.zeros(tasks, np.int64)
        np.add.at(per_task, task, count)
        macs, work = _task_costs(kernel, tiling, plan.loaded)
        return Columns(
            np.full(tasks, number, np.int32),
            tiling.image.astype(np.int32),
            macs,
            work,
            np.concatenate([[0], np.cumsum(per_task)]),
            cell.astype(np.int32),
            np.repeat(slot == len(runs) - 1, count),
            np.repeat(roles[slot], count),
        )

    def _runs(self, tiling: Tiling, read: _Read) -> tuple[Index, Index, Index]:
        """Task, first cell and number of cells of every run of consecutive cells."""
        grid = self.grids[read.tensor]
        strip, block = tiling.strip, tiling.block
        low, high = grid.row_cells(read.rows[0])[strip], grid.row_cells(read.rows[1])[strip]
        left, right = (
            grid.channel_cells(read.channels[0])[block],
            grid.channel_cells(read.channels[1])[block],
        )
        rows = high - low
        if read.once:
            rows = np.where(np.arange(len(rows)) == 0, rows, 0)
        task = np.repeat(np.arange(len(rows)), rows)
        row = np.arange(len(task)) - np.repeat(np.cumsum(rows) - rows - low, rows)
        first = row * grid.cells_across + left[task]
        count = (right - left)[task]
        base = self.base[read.tensor]
        if grid.images > 1:
            first = first + tiling.image[task] * grid.cells
        keep = count > 0
        if not keep.all():
            task, first, count = task[keep], first[keep], count[keep]
        return task, first + base, count

    def program(self, columns: Columns, options: dict[str, str | int]) -> Program:
        """Add lifetimes and freeze."""
        grids = self.grids.values()
        counts = np.array([grid.cells * grid.images for grid in grids])
        cells, touches = int(counts.sum()), len(columns.cell)
        position = np.arange(touches)
        task = np.repeat(np.arange(len(columns.task_kernel)), np.diff(columns.task_start))
        last = np.full(cells, -1, np.int64)
        last[columns.cell] = position  # of several assignments the last one stays
        first = np.full(cells, -1, np.int64)
        first[columns.cell[::-1]] = position[::-1]
        writer = np.full(cells, -1, np.int64)
        writer[columns.cell[columns.write]] = position[columns.write]
        ends = np.zeros(touches, np.bool_)
        ends[last[last >= 0]] = True
        touched = first >= 0
        blocks = np.concatenate([np.tile(grid.counts, grid.images) for grid in grids])
        return Program(
            network=self.network,
            kernels=self.kernels,
            tensors=tuple(self.tensors.values()),
            options=options,
            task_kernel=columns.task_kernel,
            task_macs=columns.task_macs,
            task_work=columns.task_work,
            touch_start=columns.task_start,
            touch_cell=columns.cell,
            touch_write=columns.write,
            touch_role=columns.role,
            touch_last=ends,
            cell_tensor=np.repeat(np.arange(len(counts), dtype=np.int32), counts),
            cell_bytes=np.concatenate([np.tile(grid.cell_bytes, grid.images) for grid in grids]),
            cell_box=np.concatenate([grid.boxes() for grid in grids]),
            cell_block=np.concatenate([[0], np.cumsum(blocks)]),
            cell_birth=np.where(touched, task[first], -1).astype(np.int32),
            cell_death=np.where(touched, task[last], -1).astype(np.int32),
            cell_writer=writer,
            block_bytes=np.concatenate([np.tile(grid.sizes(), grid.images) for grid in grids]),
        )


def _image(tensor: Tensor) -> tuple[int, int, int, int]:
    """Images, channels, rows and bytes per row of a feature map."""
    images, channels, rows, columns = tensor.shape
    return images, channels, rows, columns * tensor.itemsize


def _whole(edges: tuple[Index, Index], size: int) -> tuple[Index, Index]:
    """Ranges that all cover ``[0, size)``."""
    return np.zeros_like(edges[0]), np.full_like(edges[1], size)


def _task_costs(kernel: Kernel, tiling: Tiling, loaded: Index | None) -> tuple[Index, Index]:
    """MACs and elementwise operations of each task; they sum to the kernel's."""
    heights, widths = np.diff(tiling.rows), np.diff(tiling.channels)
    outputs = heights[tiling.strip] * widths[tiling.block] * kernel.output.shape[3]
    work = outputs * kernel.work
    if loaded is not None:
        work = work + loaded[tiling.strip, tiling.block] * kernel.load_work
    size = kernel.output.size
    if kernel.macs % size == 0:
        return outputs * (kernel.macs // size), work
    # A transposed convolution's MACs do not divide evenly; share them out without loss.
    shares = [kernel.macs * int(end) // size for end in np.cumsum(outputs)]
    macs: Index = np.array([0, *shares], dtype=np.int64)
    return macs[1:] - macs[:-1], work


def _too_large(name: str) -> SimulationError:
    message = f"{name} takes more than {MOST_TOUCHES:,} accesses at this tiling"
    return SimulationError(Problem(message, hint="larger buffers, a smaller input or batch"))
