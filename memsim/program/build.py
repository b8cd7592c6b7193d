"""Building a program, in five steps.

A lowering makes kernels of the layers. Each kernel is tiled: cut into tasks. Each kernel's plan
says which parts of which tensors its tasks access, and the tensors are cut into cells at the edges
of all these parts. Then the tasks and the cells that they touch are listed, kernel after kernel,
and a schedule puts the tasks into their order. Last it is noted when each cell is born and dead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.errors import InputError, Problem, SimulationError, at_path, did_you_mean
from memsim.limits import Forecast, check, check_least, most_touches, too_large
from memsim.machine import fields
from memsim.network.graph import Network
from memsim.network.tensor import ITEMSIZES
from memsim.program.blocks import LARGEST_BLOCK
from memsim.program.columns import Columns, Listing
from memsim.program.depth_first import (
    FILE,
    KEEP,
    PATTERNS,
    DepthFirst,
    Group,
    Strip,
    TileSize,
    check_overlap,
    kernel_groups,
)
from memsim.program.kernel import Kernel
from memsim.program.lowering import LOWERINGS, Lowering
from memsim.program.plan import KernelPlan
from memsim.program.program import Program
from memsim.program.rows import ROWS
from memsim.program.schedule import SCHEDULES
from memsim.program.tensor_table import TensorTable
from memsim.program.tiling import IMAGES, TOGETHER, Tiling, check_order, least_touches, order_of
from memsim.program.tiling import tile as cut_into_tasks
from memsim.program.tiling.strips import StripTiler
from memsim.progress import counted, stage
from memsim.units import Quantity, parse_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILES = ("auto", "whole")

SCRATCH = "scratch"
"""The name of what kernels keep besides tensors; no layer can have it, since it is no layer's."""


def build(
    network: Network,
    *,
    buffer: Quantity,
    lowering: str | Lowering = "fused",
    schedule: str = "layer_by_layer",
    group: Sequence[str | Group] = (),
    groups: str | None = None,
    strip: Strip | tuple[Strip, ...] | None = None,
    overlap: str | None = None,
    order: str = "rows_outer",
    tile: str = "auto",
    images: str = TOGETHER,
    rows: str = "touched",
    register_tile: str | None = None,
    kernel_scratch: Quantity = 0,
    block: Quantity = LARGEST_BLOCK,
) -> Program:
    """Turn a network into a program.

    Parameters
    ----------
    network : Network
    buffer : str or int
        Bytes of the machine's streaming buffers, such as ``"512KiB"``; they decide the tiling.
    lowering, schedule, order : str
        Keys of ``LOWERINGS``, ``SCHEDULES`` and ``ORDERS``; or a lowering itself. Order
        ``larger_outer`` chooses kernel by kernel: what is larger, inputs or weights, is read in
        the outer loop, once.
    group : sequence of str
        Of schedule ``depth_first``: layers that run strip by strip together, a text for each
        group, see :func:`memsim.program.depth_first.kernel_groups`.
    groups : str, optional
        Instead: a key of ``PATTERNS``, such as ``per_block``. Where neither is given, ``file``: the
        groups that the network's file says.
    strip : int, str or tuple of them, optional
        Rows of a strip of a group's last map, or ``ROWSxCOLUMNS`` of a tile such as ``"8x32"``, for
        all groups or each. None: the most rows with which
        every kernel of the group computes its rows in one tile of the buffers.
    overlap : str, optional
        What becomes of rows that several strips of a group need: ``keep``, where they stay on chip
        or are fetched again, or ``recompute``, where each strip computes them anew.
    tile : str
        ``auto``, or ``whole`` for one task per kernel, whatever the buffers hold.
    images : str
        ``together``: a task may hold whole maps of several images, so that linear layers and small
        maps take a batch as rows of one product; ``apart``: a task is of one image.
    rows : str
        A key of ``ROWS``: ``touched`` where tasks read the rows of feature maps that some output
        of theirs touches, ``streamed`` where the tasks of a kernel read all of every input.
    register_tile : str, optional
        Outputs that accumulate in registers, ``PIXELSxCHANNELS`` such as ``4x24``: kernels that
        multiply are then cut as processors compute them, and go through the weights of a channel
        block for each such tile. None, or ``none``: they are cut for the buffers.
    kernel_scratch : str or int
        Bytes that every kernel reads and writes besides tensors, the same for all of them: objects
        of the runtime that calls them.
    block : str or int
        Largest block, in bytes.

    Raises
    ------
    InputError
        For an unknown name, a size that is none, or a register tile where kernels are not cut.
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
    _known("tile", tile, TILES)
    _known("images", images, IMAGES)
    buffer_bytes, block_bytes = _size("buffer", buffer), _size("block", block)
    arrange = SCHEDULES[schedule]
    rule = lowering if isinstance(lowering, Lowering) else LOWERINGS[lowering]
    registers = _registers(register_tile, tile)
    check_order(order)
    ROWS[rows]  # an unknown name is an error before any work
    with stage(f"kernels of {network.name}"):
        kernels = rule.lower(network)
    if not kernels:
        raise SimulationError(f"{network.name} computes nothing: there is nothing to simulate")
    fused = _groups(network, kernels, schedule, group, groups, strip, overlap)
    with at_path("kernel_scratch"):
        scratch = parse_bytes(kernel_scratch)
    tensors = _stored(network, kernels)
    if scratch:
        tensors.add_scratch(SCRATCH, scratch)
    cut = tile == "whole", images == TOGETHER, registers
    depth, stripped = None, {}
    if fused:
        sizes = _sizes(strip, len(fused))
        tiler = StripTiler(buffer_bytes, order, tile == "whole", registers)
        depth = DepthFirst.of(
            network, kernels, fused, trial_plans(network, kernels, rows), tiler, sizes,
            overlap or KEEP, check=any(isinstance(each, str) for each in group),
        )  # fmt: skip
        stripped = depth.tilings(kernels, tiler)
    tilings, least = [], 0
    for number, kernel in enumerate(counted(kernels, "kernels cut into tasks")):
        tilings.append(
            stripped.get(number)
            or cut_into_tasks(kernel, buffer_bytes, order_of(order, kernel), *cut)
        )
        least += _least_touches(kernel, tilings[-1])
        if least > most_touches():
            raise too_large(network.name)
    check_least(network.name, least)
    plans = [
        KernelPlan(kernel, tiling, tensors, rows)
        for kernel, tiling in zip(counted(kernels, "kernels planned"), tilings, strict=True)
    ]
    if scratch:
        for number, plan in enumerate(plans):
            plan.use(SCRATCH, reads=number != (depth.first if depth else 0))
    with stage(f"tasks of {network.name}"):
        listing = Listing(plans, tensors, block_bytes)
        check(Forecast(network.name, listing.touches()))
        columns = listing.columns(most_touches())
    if columns is None:
        raise too_large(network.name)
    cells = listing.cells.columns(most_touches())
    if cells is None:
        raise too_large(network.name, "blocks of memory")
    if depth is not None:
        cells = depth.written_anew(kernels, tensors, columns, stripped, cells)
    with stage(f"order of {network.name}'s tasks"):
        columns.reorder(arrange(columns, depth, stripped))
    options: dict[str, str | int] = {
        "lowering": rule.name,
        "schedule": schedule,
        "order": order,
        "tile": tile,
        "images": images,
        "rows": rows,
        "library": "none",
        "buffer_bytes": buffer_bytes,
        "block_bytes": block_bytes,
    }
    if registers is not None:
        options["register_tile"] = str(registers)
    if scratch:
        options["kernel_scratch"] = scratch
    if depth is not None:
        named = FILE if not group and groups is None else groups
        options |= depth.told(kernels, named, _sizes(strip, 1))
    return _with_lives(network, kernels, tensors, cells, columns, options)


def trial_plans(
    network: Network, kernels: tuple[Kernel, ...], rows: str
) -> Callable[[Kernel, Tiling], KernelPlan]:
    """What plans kernels to see what they access, beside the program's own plans."""
    return partial(KernelPlan, tensors=_stored(network, kernels), rows=rows)


def _stored(network: Network, kernels: tuple[Kernel, ...]) -> TensorTable:
    """The feature maps that have a place in memory: network inputs, and what kernels write."""
    tensors = TensorTable(ITEMSIZES[network.dtype])
    for layer in network:
        if layer.op.is_input:
            tensors.add_map(layer.output, "input")
        elif layer.op.is_parameter:
            tensors.add_map(layer.output, "weight")
    for kernel in kernels:
        tensors.add_map(kernel.output, "output" if kernel.leaves else "activation")
    return tensors


def _groups(
    network: Network,
    kernels: tuple[Kernel, ...],
    schedule: str,
    group: Sequence[str | Group],
    groups: str | None,
    strip: Strip | tuple[Strip, ...] | None,
    overlap: str | None,
) -> list[Group]:
    """The groups of schedule ``depth_first``; none where kernels run one after the other."""
    told = {"group": tuple(group), "groups": groups, "strip": strip, "overlap": overlap}
    if schedule != "depth_first":
        given = [name for name, value in told.items() if value not in (None, ())]
        if given:
            message = f"is of groups that run depth first, and the schedule is {schedule}"
            hint = "schedule depth_first"
            raise InputError(*(Problem(message, path=name, hint=hint) for name in given))
        return []
    _sizes(strip, 1)  # what is no size is an error before any work
    check_overlap(overlap)
    if not group and groups is None and network.groups:
        groups = FILE
    if bool(group) == (groups is not None):
        message = "depth_first needs groups" if not group else "groups by hand or by a pattern"
        patterns = " or ".join(name for name in PATTERNS if name != FILE or network.groups)
        hint = f"either --group FIRST..LAST, or --groups {patterns}"
        raise InputError(Problem(message, path="group", hint=hint))
    if groups is None:
        return kernel_groups(network, kernels, (group,) if isinstance(group, str) else group)
    with at_path("groups"):
        pattern = PATTERNS[groups]
    found = pattern(network, kernels)
    if not found:
        which = "groups in its file" if groups == FILE else f"group by the pattern {groups}"
        message = f"{network.name} has no {which}"
        raise InputError(Problem(message, path="groups", hint="--group FIRST..LAST by hand"))
    return found


def _sizes(strip: Strip | tuple[Strip, ...] | None, groups: int) -> tuple[TileSize, ...]:
    """The strip of each group."""
    told = strip if isinstance(strip, tuple) else (strip,) * groups
    return tuple(map(TileSize.of, told))


def _known(option: str, value: object, names: tuple[str, ...]) -> None:
    if value not in names:
        hint = did_you_mean(str(value), names)
        raise InputError(Problem(f"unknown {option} {value!r}", hint=hint))


def _registers(told: str | None, tile: str) -> fields.RegisterTile | None:
    """The register tile of an option; None where there is none."""
    with at_path("register_tile"):
        found = fields.register_tile(told)
        if found is not None and tile == "whole":
            message = "cuts kernels, and each is one task here"
            raise InputError(Problem(message, hint="tile auto, or leave one of them out"))
    return found


def _size(option: str, value: Quantity) -> int:
    """The bytes of an option, at least one."""
    with at_path(option):
        size = parse_bytes(value)
        if not size:
            raise InputError(Problem(f"{value!r} is too small", hint="at least 1 byte"))
    return size


def _with_lives(
    network: Network,
    kernels: tuple[Kernel, ...],
    tensors: TensorTable,
    cells: dict[str, NDArray[Any]],
    columns: Columns,
    options: dict[str, str | int],
) -> Program:
    """The program: the columns, and when each cell is born, written and dead."""
    count, touches = len(cells["cell_bytes"]), len(columns.cell)
    position = np.arange(touches)
    task = np.repeat(np.arange(len(columns.task_kernel)), np.diff(columns.task_start))
    last = np.full(count, -1, np.int64)
    last[columns.cell] = position  # of several assignments the last one stays
    first = np.full(count, -1, np.int64)
    first[columns.cell[::-1]] = position[::-1]
    writer = np.full(count, -1, np.int64)
    writer[columns.cell[columns.write]] = position[columns.write]
    ends = np.zeros(touches, np.bool_)
    ends[last[last >= 0]] = True
    touched = first >= 0
    early = np.flatnonzero((writer >= 0) & (first < writer) & ~columns.write[first])
    if len(early):
        name = tensors.all()[cells["cell_tensor"][early[0]]].name
        raise SimulationError(
            Problem(f"{name} is read before it is written", hint="leave its readers out of groups")
        )
    return Program(
        network=network,
        kernels=kernels,
        tensors=tensors.all(),
        options=options,
        task_kernel=columns.task_kernel,
        task_macs=columns.task_macs,
        task_work=columns.task_work,
        touch_start=columns.task_start,
        touch_cell=columns.cell,
        touch_write=columns.write,
        touch_role=columns.role,
        touch_last=ends,
        cell_birth=np.where(touched, task[first], -1).astype(np.int32),
        cell_death=np.where(touched, task[last], -1).astype(np.int32),
        cell_writer=writer,
        frames=1,
        alone=None,
        spans=(),
        file_order=None,
        **cells,
    )


def _least_touches(kernel: Kernel, tiling: Tiling) -> int:
    """A count before it is planned: of parts of a tile that many tasks share only one counts."""
    return int((tiling.part == 0).sum()) * least_touches(kernel)
