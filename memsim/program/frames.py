"""Frames: one inference after the other on a memory that keeps what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.errors import InputError, Problem, SimulationError
from memsim.limits import most_touches
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray


def repeat(program: Program, frames: int) -> Program:
    """Run a program several times in a row: the same tasks on other inputs.

    The cells of weights are those of the first frame, and none of them dies: the last frame is
    like those before it, as if others followed. Each frame has cells of its own for its inputs,
    feature maps and outputs, so inputs and outputs are compulsory once a frame, and weights once
    in all.

    Parameters
    ----------
    program : Program
        One inference.
    frames : int
        How many; 1 gives the program itself.

    Raises
    ------
    InputError
        If that is no whole number, or less than 1.
    SimulationError
        If the program would be too large.

    Examples
    --------
    >>> import memsim
    >>> one = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> three = repeat(one, 3)
    >>> three.tasks // one.tasks, three.weight_bytes == one.weight_bytes
    (3, True)
    >>> three.compulsory_bytes - one.compulsory_bytes  # two inputs and two outputs more
    1212224
    """
    if isinstance(frames, bool) or not isinstance(frames, int | np.integer) or frames < 1:
        message = f"{frames!r} is no number of inferences"
        raise InputError(Problem(message, path="frames", hint="a whole number, at least 1"))
    if frames == 1:
        return program
    touches = len(program.touch_cell)
    most = most_touches()
    if frames * touches > most:
        message = f"{frames:,} frames of {program.network.name} take more than {most:,}"
        hint = f"at most {most // touches:,} frames"
        raise SimulationError(Problem(f"{message} accesses", path="frames", hint=hint))
    own = ~program.cell_is_weight
    return Program(
        network=program.network,
        kernels=program.kernels,
        tensors=program.tensors,
        options={**program.options, "frames": int(frames)},
        frames=int(frames),
        alone=program,
        spans=(),
        file_order=None,
        **_tasks(program, int(frames), own),
        **_cells(program, int(frames), own),
    )


def _tasks(program: Program, frames: int, own: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """The columns of tasks and touches."""
    touches, cells = len(program.touch_cell), len(own)
    frame = np.repeat(np.arange(frames), touches)
    first = np.tile(program.touch_cell, frames).astype(np.int64)
    # What a frame has for itself keeps its order; that of later frames follows the first's cells.
    rank = np.cumsum(own) - 1
    later = cells + (frame - 1) * int(own.sum()) + rank[first]
    cell = np.where(own[first] & (frame > 0), later, first)
    last = np.tile(program.touch_last, frames) & own[first]
    starts = [program.touch_start[:-1] + f * touches for f in range(frames)]
    return {
        "task_kernel": np.tile(program.task_kernel, frames),
        "task_macs": np.tile(program.task_macs, frames),
        "task_work": np.tile(program.task_work, frames),
        "touch_start": np.concatenate([*starts, [frames * touches]]),
        "touch_cell": cell.astype(np.int32),
        "touch_write": np.tile(program.touch_write, frames),
        "touch_role": np.tile(program.touch_role, frames),
        "touch_last": last,
    }


def _cells(program: Program, frames: int, own: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """The columns of cells and blocks: those of the first frame, then the other frames' own."""
    more = frames - 1
    blocks = np.diff(program.cell_block)
    counts = np.concatenate([blocks, np.tile(blocks[own], more)])
    shift = np.repeat(np.arange(1, frames), int(own.sum()))

    def joined(column: NDArray[Any], by: int = 0) -> NDArray[Any]:
        """A column of cells; where ``by`` is given, a place that moves on with every frame."""
        first, later = column.copy(), np.tile(column[own], more)
        if by:
            later = np.where(later >= 0, later + shift * by, later)
        return np.concatenate([first, later]).astype(column.dtype)

    death = joined(program.cell_death, program.tasks)
    kept = np.flatnonzero(~own & (program.cell_death >= 0))
    death[kept] += more * program.tasks
    block_own = np.repeat(own, blocks)
    return {
        "cell_tensor": joined(program.cell_tensor),
        "cell_bytes": joined(program.cell_bytes),
        "cell_box": np.concatenate([program.cell_box, np.tile(program.cell_box[own], (more, 1))]),
        "cell_block": np.concatenate([[0], np.cumsum(counts)]),
        "cell_birth": joined(program.cell_birth, program.tasks),
        "cell_death": death,
        "cell_writer": joined(program.cell_writer, len(program.touch_cell)),
        "block_bytes": np.concatenate(
            [program.block_bytes, np.tile(program.block_bytes[block_own], more)]
        ),
    }
