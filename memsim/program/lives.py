"""Lives: which feature maps are kept during which kernels, and what for."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memsim.program.kernel import Role
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

USES = ("chain", "waiting", "copy")
"""What a feature map is kept for: its first reader; a later one; or, what a concat writes, the
first one."""


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
    computed : bool array
        Whether a kernel writes it; False for network inputs.

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
    computed: NDArray[np.bool_]

    @classmethod
    def of(cls, program: Program) -> Lives:
        """The lives in a program; of several frames, in one of them."""
        program = program.one_frame
        cells = np.flatnonzero(program.cell_is_kept)
        tensor, kernel = program.cell_tensor[cells], program.task_kernel.astype(np.int64)
        count = len(program.tensors)
        born = np.full(count, len(program.kernels), np.int64)
        consumed, dead = born.copy(), np.full(count, -1, np.int64)
        np.minimum.at(born, tensor, kernel[program.cell_birth[cells]])
        np.maximum.at(dead, tensor, kernel[program.cell_death[cells]])
        reader = _first_readers(program)[cells]
        np.minimum.at(consumed, tensor[reader >= 0], reader[reader >= 0])
        kept = np.flatnonzero(dead >= 0)
        kept = kept[np.argsort(born[kept], kind="stable")]
        return cls(
            tuple(program.tensors[i].name for i in kept),
            born[kept],
            np.minimum(consumed, np.maximum(dead, born))[kept],
            dead[kept],
            np.array([program.tensors[i].nbytes for i in kept], np.int64),
            _copied(program)[kept],
            np.array([program.tensors[i].kind != "input" for i in kept], np.bool_),
        )

    def handed_on(self) -> Lives:
        """Those that one kernel writes and a later one reads.

        Examples
        --------
        >>> import memsim
        >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
        >>> lives = Lives.of(program).handed_on()
        >>> sorted(set(lives.kernels.tolist())), lives.longest
        ([1, 2, 3], 'stage.1.2.act')
        """
        chosen = np.flatnonzero(self.computed & (self.dead > self.born))
        names = tuple(self.names[i] for i in chosen)
        columns = {each.name: getattr(self, each.name)[chosen] for each in fields(self)[1:]}
        return replace(self, names=names, **columns)

    @property
    def kernels(self) -> Ints:
        """How long each is kept: 1 where the kernel after the one that writes is the last to read.

        Counted in kernels, in program order.
        """
        return self.dead - self.born

    @property
    def byte_kernels(self) -> Ints:
        """Size times :attr:`kernels` of each: what it takes of a cache, and how long."""
        return self.nbytes * self.kernels

    @property
    def longest(self) -> str:
        """The feature map that lives longest, the first of several; empty if there is none."""
        return self.names[int(self.kernels.argmax())] if self.names else ""

    def to_dict(self) -> dict[str, Any]:
        """Mean and maximum, in kernels and in bytes times kernels."""

        def mean(column: Ints) -> float:
            return float(column.mean()) if len(column) else 0.0

        return {
            "feature_maps": len(self.names),
            "kernels_mean": mean(self.kernels),
            "kernels_max": int(self.kernels.max(initial=0)),
            "longest": self.longest,
            "byte_kernels_mean": mean(self.byte_kernels),
            "byte_kernels_max": int(self.byte_kernels.max(initial=0)),
        }


def _copied(program: Program) -> NDArray[np.bool_]:
    """Whether a concat writes each tensor."""
    copies = {kernel.output.name for kernel in program.kernels if kernel.output_role is Role.CONCAT}
    return np.array([tensor.name in copies for tensor in program.tensors], np.bool_)


def _first_readers(program: Program) -> Ints:
    """The kernel that reads each cell first; -1 where none does."""
    reads = np.flatnonzero(~program.touch_write)[::-1]  # of several assignments the last one stays
    reader = np.full(len(program.cell_bytes), -1, np.int64)
    reader[program.touch_cell[reads]] = program.task_kernel[program.touch_task[reads]]
    return reader


def live_by_use(program: Program) -> Ints:
    """Live bytes of feature maps while each task runs, tasks x :data:`USES`.

    They sum to :attr:`Program.live_bytes <memsim.program.program.Program.live_bytes>`, and every
    frame has the same. What a feature map is kept for changes when the kernel that reads it first
    is done.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> bool((live_by_use(program).sum(axis=1) == program.live_bytes).all())
    True
    """
    if program.alone is not None:
        return np.tile(live_by_use(program.alone), (program.frames, 1))
    cells = np.flatnonzero(program.cell_is_kept)
    size = program.cell_bytes[cells]
    birth, death = program.cell_birth[cells], program.cell_death[cells]
    ends = np.full(len(program.kernels), -1, np.int64)
    np.maximum.at(ends, program.task_kernel, np.arange(program.tasks))
    reader = _first_readers(program)[cells]
    until = np.where(reader >= 0, np.minimum(ends[reader], death), death)
    copied = _copied(program)[program.cell_tensor[cells]]
    first = np.where(copied, USES.index("copy"), USES.index("chain"))
    then = np.full(len(cells), USES.index("waiting"))
    change = np.zeros((program.tasks + 1, len(USES)), np.int64)
    np.add.at(change, (birth, first), size)
    np.subtract.at(change, (until + 1, first), size)
    np.add.at(change, (until + 1, then), np.where(until < death, size, 0))
    np.subtract.at(change, (death + 1, then), np.where(until < death, size, 0))
    live: Ints = np.cumsum(change, axis=0)[:-1]
    return live


def most_live(program: Program) -> Ints:
    """Live bytes by use at the fullest task of each kernel, kernels x :data:`USES`."""
    program = program.one_frame
    live = live_by_use(program)
    order = np.lexsort((live.sum(axis=1), program.task_kernel))
    fullest = order[np.flatnonzero(np.diff(program.task_kernel[order], append=-1))]
    most: Ints = live[fullest]
    return most
