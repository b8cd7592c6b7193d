"""Lives: which feature maps are kept during which kernels, and what for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memsim.program.kernel import Role
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

USES = ("chain", "waiting", "copy")
"""What a feature map is kept for: its first reader; a later one; or it is a concat's copy."""


@dataclass(frozen=True, slots=True)
class Lives:
    """Feature maps in the order in which they are born; one entry each.

    Attributes
    ----------
    names : tuple of str
        The layers that write them; network inputs too.
    born, consumed, dead : int64 arrays
        Kernels (by number): the one that writes (or first reads), the first and the last reader.
        Without a reader all three are the writer.
    nbytes : int64 array
    copies : bool array
        Whether a concat writes it.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> lives = Lives.of(program)
    >>> lives.names[1], lives.born[1], lives.dead[1]
    ('conv1.act', np.int64(0), np.int64(1))
    """

    names: tuple[str, ...]
    born: Ints
    consumed: Ints
    dead: Ints
    nbytes: Ints
    copies: NDArray[np.bool_]

    @classmethod
    def of(cls, program: Program) -> Lives:
        """The lives in a program."""
        cells = np.flatnonzero(_kept(program))
        tensor, kernel = program.cell_tensor[cells], program.task_kernel.astype(np.int64)
        count = len(program.tensors)
        born = np.full(count, len(program.kernels), np.int64)
        consumed, dead = born.copy(), np.full(count, -1, np.int64)
        np.minimum.at(born, tensor, kernel[program.cell_birth[cells]])
        np.maximum.at(dead, tensor, kernel[program.cell_death[cells]])
        reader = _consumers(program)[cells]
        np.minimum.at(consumed, tensor[reader >= 0], reader[reader >= 0])
        kept = np.flatnonzero(dead >= 0)
        kept = kept[np.argsort(born[kept], kind="stable")]
        copied = {kernel.output.name for kernel in program.kernels if _copies(kernel.output_role)}
        names = tuple(program.tensors[i].name for i in kept)
        return cls(
            names,
            born[kept],
            np.minimum(consumed, np.maximum(dead, born))[kept],
            dead[kept],
            np.array([program.tensors[i].nbytes for i in kept], np.int64),
            np.array([name in copied for name in names], np.bool_),
        )


def _copies(role: Role) -> bool:
    return role is Role.CONCAT


def _kept(program: Program) -> NDArray[np.bool_]:
    """Per cell: is it part of a feature map that somebody touches?"""
    weight = np.array([tensor.kind == "weight" for tensor in program.tensors])
    kept: NDArray[np.bool_] = (program.cell_birth >= 0) & ~weight[program.cell_tensor]
    return kept


def _consumers(program: Program) -> Ints:
    """The kernel that reads each cell first; -1 where none does."""
    reads = np.flatnonzero(~program.touch_write)[::-1]
    found = np.full(len(program.cell_bytes), -1, np.int64)
    found[program.touch_cell[reads]] = program.task_kernel[program.touch_task[reads]]
    return found


def live_by_use(program: Program) -> Ints:
    """Live bytes of feature maps while each task runs, tasks x :data:`USES`.

    They sum to :attr:`Program.live_bytes <memsim.program.program.Program.live_bytes>`. What a
    feature map is kept for changes when the kernel that reads it first is done.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> bool((live_by_use(program).sum(axis=1) == program.live_bytes).all())
    True
    """
    cells = np.flatnonzero(_kept(program))
    size = program.cell_bytes[cells]
    birth, death = program.cell_birth[cells], program.cell_death[cells]
    ends = np.full(len(program.kernels), -1, np.int64)
    np.maximum.at(ends, program.task_kernel, np.arange(program.tasks))
    reader = _consumers(program)[cells]
    until = np.where(reader >= 0, np.minimum(ends[reader], death), death)
    copied = {kernel.output.name for kernel in program.kernels if _copies(kernel.output_role)}
    copy = np.array([tensor.name in copied for tensor in program.tensors])[
        program.cell_tensor[cells]
    ]
    change = np.zeros((program.tasks + 1, len(USES)), np.int64)
    first = np.where(copy, USES.index("copy"), USES.index("chain"))
    then = np.where(copy, USES.index("copy"), USES.index("waiting"))
    np.add.at(change, (birth, first), size)
    np.subtract.at(change, (until + 1, first), size)
    np.add.at(change, (until + 1, then), np.where(until < death, size, 0))
    np.subtract.at(change, (death + 1, then), np.where(until < death, size, 0))
    live: Ints = np.cumsum(change, axis=0)[:-1]
    return live


def most_live(program: Program) -> Ints:
    """Live bytes by use at the fullest task of each kernel, kernels x :data:`USES`."""
    live = live_by_use(program)
    order = np.lexsort((live.sum(axis=1), program.task_kernel))
    last = np.flatnonzero(np.diff(program.task_kernel[order], append=-1))
    found: Ints = live[order[last]]
    return found
