"""Residency: what comes on chip and what leaves it, task by task, and what displaces it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.departures import departures
from memsim.engines.cache.managements import MANAGEMENTS
from memsim.engines.cache.trace import KIND, LAST, READ, WRITE_THROUGH, Trace
from memsim.machine.cache import Cache
from memsim.program.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


class What(IntEnum):
    """What happens to blocks of a tensor.

    The first two come on chip, where the buffers count that a task streams its blocks through; the
    next three leave it. So what came less what left is what the cache holds after each task. The
    fetched bytes are all that is read from DRAM; those spilled and stored all that is written.
    """

    FETCHED = 0
    """They come from DRAM."""
    MADE = 1
    """A kernel writes them."""
    SPILLED = 2
    """They are evicted while still needed, and written back: DRAM did not have them."""
    DROPPED = 3
    """They are evicted while still needed, and DRAM has them."""
    DEAD = 4
    """They were used for the last time, and leave their place to others."""
    STORED = 5
    """They are the network's output, which is written to DRAM as it is made."""

    @property
    def word(self) -> str:
        """In tables."""
        return self.name.lower()


COMES = (What.FETCHED, What.MADE)
EVICTED = (What.SPILLED, What.DROPPED)
LEAVES = (*EVICTED, What.DEAD)


@dataclass(frozen=True, slots=True)
class Residency:
    """What happens in a scratchpad, by task and tensor: int64 arrays, in the order of tasks.

    Attributes
    ----------
    policy : str
    task, what, tensor : int64 arrays, per row
        Indices of task and tensor, and a :class:`What`.
    by : int64 array, per row
        Of what is evicted the tensor that takes its place: the same tensor where it does not
        stay, or where its own blocks displace each other; else -1.
    again : int64 array, per row
        Of what is evicted the kernel that touches it next; else -1.
    blocks, nbytes : int64 arrays, per row
        How many blocks, and their bytes.
    occupancy : int64 array, per task
        Bytes held after each task.
    """

    policy: str
    task: Ints
    what: Ints
    tensor: Ints
    by: Ints
    again: Ints
    blocks: Ints
    nbytes: Ints
    occupancy: Ints

    def __len__(self) -> int:
        return len(self.task)

    @classmethod
    def of(cls, program: Program, cache: Cache, policy: str) -> Residency:
        """Watch a program on the scratchpad of a machine under a policy.

        Raises
        ------
        InputError
            For a policy that cannot be watched, and for a program that needs a hardware cache.

        Examples
        --------
        >>> import memsim
        >>> result = memsim.run("resnet18", cache="256KiB", machine="textbook")
        >>> seen = Residency.of(result.program, result.machine.cache, "lru")
        >>> seen.total(What.FETCHED) == result.dram_read_bytes
        True
        >>> seen.total(What.SPILLED, What.STORED) == result.dram_write_bytes
        True
        """
        trace = MANAGEMENTS["scratchpad"].trace(program, cache)
        found = departures(trace, cache.size, policy)
        task = program.touch_task[trace.touch].astype(np.int64)
        block = trace.block.astype(np.int64)
        kind = trace.code & KIND
        comes = ~_held(trace, found.block, found.at)
        last, through = trace.code & LAST > 0, kind == WRITE_THROUGH
        of_access = [
            (What.FETCHED, np.flatnonzero(comes & (kind == READ))),
            (What.MADE, np.flatnonzero(comes & (kind != READ))),
            (What.DEAD, np.flatnonzero(last)),
            (What.STORED, np.flatnonzero(through)),
        ]
        spilled = np.isin(
            _key(trace, found.block, found.at),
            _key(trace, found.events.spilled, found.events.spilled_at),
        )
        again = _next(trace, found.block, found.at)
        keys, moved = [], []
        for what, at in of_access:
            none = np.full(len(at), -1, np.int64)
            keys.append(np.stack([task[at], np.full_like(at, what), block[at], none, none]))
            moved.append(block[at])
        gone = np.where(spilled, int(What.SPILLED), int(What.DROPPED))
        by = program.block_tensor[block[found.at]].astype(np.int64)
        kernel = program.task_kernel[task[again]].astype(np.int64)
        keys.append(np.stack([task[found.at], gone, found.block, by, kernel]))
        key, of = np.concatenate(keys, axis=1), np.concatenate([*moved, found.block])
        key[2] = program.block_tensor[of]
        key, (blocks, nbytes) = _summed(key, np.ones_like(of), program.block_bytes[of])
        task, what, tensor, by, again = key
        held = found.events.occupancy
        return cls(policy, task, what, tensor, by, again, blocks, nbytes, held)

    @property
    def table(self) -> Ints:
        """The rows as one array, with the columns in the order of the attributes."""
        columns = (
            self.task, self.what, self.tensor, self.by, self.again, self.blocks, self.nbytes,
        )  # fmt: skip
        return np.stack(columns, axis=1)

    def of_kind(self, *what: What) -> NDArray[np.bool_]:
        """Which rows tell of one of some kinds."""
        return np.isin(self.what, what)

    def total(self, *what: What) -> int:
        """The bytes of some kinds."""
        return int(self.nbytes[self.of_kind(*what)].sum())

    def per_task(self, *what: What) -> Ints:
        """The bytes of some kinds, per task."""
        found = np.zeros(len(self.occupancy), np.int64)
        chosen = self.of_kind(*what)
        np.add.at(found, self.task[chosen], self.nbytes[chosen])
        return found

    def folded(self, step: Ints) -> Residency:
        """The same in larger steps, such as kernels: ``step`` is the one of each task, ascending.

        Examples
        --------
        >>> import memsim
        >>> seen = memsim.microscope("resnet18", cache="256KiB", machine="textbook")
        >>> by_kernel = seen.seen["lru"].folded(seen.program.task_kernel.astype(np.int64))
        >>> len(by_kernel) < len(seen.seen["lru"])
        True
        >>> by_kernel.total(What.FETCHED) == seen.results["lru"].dram_read_bytes
        True
        """
        key = np.stack([step[self.task], self.what, self.tensor, self.by, self.again])
        key, (blocks, nbytes) = _summed(key, self.blocks, self.nbytes)
        last = np.flatnonzero(np.diff(step, append=-1))
        task, what, tensor, by, again = key
        held = self.occupancy[last]
        return Residency(self.policy, task, what, tensor, by, again, blocks, nbytes, held)

    def held(self, tensors: int) -> Ints:
        """The bytes of each tensor that are held after each task: tasks x tensors."""
        change = np.zeros((len(self.occupancy), tensors), np.int64)
        for kinds, sign in ((COMES, 1), (LEAVES, -1)):
            chosen = self.of_kind(*kinds)
            where = self.task[chosen], self.tensor[chosen]
            np.add.at(change, where, sign * self.nbytes[chosen])
        return np.cumsum(change, axis=0)


def _summed(key: Ints, *columns: Ints) -> tuple[Ints, list[Ints]]:
    """Columns summed over equal keys, which are sorted: keys are the columns of a table."""
    order = np.lexsort(key[::-1])
    key = key[:, order]
    new = np.ones(key.shape[1], np.bool_)
    new[1:] = (key[:, 1:] != key[:, :-1]).any(axis=0)
    first = np.flatnonzero(new)
    if not len(first):
        return key, list(columns)
    return key[:, first], [np.add.reduceat(column[order], first) for column in columns]


def _key(trace: Trace, block: Ints, at: Ints) -> Ints:
    """A number that sorts by block, then by access."""
    key: Ints = block * (len(trace.block) + 1) + at
    return key


def _accesses(trace: Trace) -> tuple[Ints, Ints]:
    """Accesses sorted by block, then by time; their keys."""
    order = np.argsort(trace.block, kind="stable")
    return order, _key(trace, trace.block[order].astype(np.int64), order)


def _held(trace: Trace, gone: Ints, gone_at: Ints) -> NDArray[np.bool_]:
    """Whether each access finds its block: it was accessed, did not die and did not leave since."""
    order, key = _accesses(trace)
    left = np.sort(_key(trace, gone, gone_at))
    count = np.searchsorted(left, key)  # departures before each access, of its block or another
    stays = np.zeros(len(order), np.bool_)
    same = trace.block[order[1:]] == trace.block[order[:-1]]
    stays[1:] = same & (trace.code[order[:-1]] & LAST == 0) & (count[1:] == count[:-1])
    held = np.empty(len(order), np.bool_)
    held[order] = stays
    return held


def _next(trace: Trace, block: Ints, at: Ints) -> Ints:
    """The next access to a block after an access; there is one, since the block is live."""
    order, key = _accesses(trace)
    return order[np.searchsorted(key, _key(trace, block, at), side="right")]
