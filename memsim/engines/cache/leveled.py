"""Programs on levels of cache: from spans to what crosses the DRAM interface.

Spans are contiguous ranges of addresses in the order in which they are accessed. A library's
kernels bring their own; the tasks of any other program get theirs from a layout and an allocator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from memsim.engines.cache.first_level import ask
from memsim.engines.cache.levels import Levels, Moved, Touches, level_pass
from memsim.engines.cache.lines import changes_owner
from memsim.engines.cache.trace import NEW, READ, WRITE, Trace
from memsim.engines.cache.transfers import Flow, Transfers
from memsim.errors import InputError, Problem
from memsim.machine.cache import Cache
from memsim.program.memory.allocator import plan_memory
from memsim.program.memory.placement import Placement
from memsim.program.program import Program
from memsim.program.spans import Spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def leveled(program: Program, cache: Cache) -> bool:
    """Whether a program needs levels: it has addresses of its own, or the cache a first level."""
    return bool(program.spans) or cache.first_level is not None


def level_transfers(
    program: Program, cache: Cache, sizes: Sequence[int] = (), *, each: bool = False
) -> list[Transfers]:
    """What a program moves through levels of cache, for many sizes of the last one at once.

    Parameters
    ----------
    program : Program
    cache : Cache
    sizes : sequence of int
        Bytes of the last level; the cache's own if there are none.
    each : bool
        Whether each line is a transfer; else those of a touch are one, and units are cells.

    Raises
    ------
    InputError
        For a cache that has no levels: another policy, another index, no sets.
    """
    _check(cache)
    sizes = tuple(sizes) or (cache.size,)
    first = cache.first_level or 0
    levels = Levels(sizes, cache.ways or 0, first, cache.first_ways, cache.line)
    cells = program.touch_cell
    owner = program.cell_owner[cells]
    given, output = program.cell_is_given[cells], program.cell_is_output[cells]
    touches = Touches(owner.astype(np.int32), given, output)
    found = level_pass(program_spans(program, cache), touches, levels, hand_over=True, each=each)
    make = _each_line if each else _by_touch
    return [make(program, moved, cache.line) for moved in found.sizes]


def leveled_trace(program: Program, cache: Cache) -> Trace:
    """What a fully associative last level is asked for.

    Lines are read when they miss in the first level, and written when they leave it dirty.

    Raises
    ------
    InputError
        For several passes of a library: the next one may overwrite what a pass gives before it is
        evicted, and a trace has no word for handing it over.
    """
    if program.spans and program.frames > 1:
        message = "several passes of a library are told on caches of sets"
        raise InputError(Problem(message, path="frames", hint="ways 16, or one frame"))
    output = program.cell_is_output[program.touch_cell]
    asked = ask(
        program_spans(program, cache), output, cache.first_level or 0, cache.first_ways, cache.line
    )
    reads = asked.writer < 0
    writer = np.where(reads, asked.touch, asked.writer)
    code = np.where(reads, READ, WRITE)
    code += NEW * changes_owner(program.cell_owner[program.touch_cell[writer]], asked.line)
    return Trace(
        np.searchsorted(program.touch_task[asked.touch], np.arange(program.tasks + 1)),
        asked.line,
        code.astype(np.uint8),
        np.full(asked.lines, cache.line, np.int64),
        asked.touch,
        writer.astype(np.int32),
    )


def _check(cache: Cache) -> None:
    problems = []
    if cache.ways is None:
        message = "levels of cache are sets of ways; this one is fully associative"
        problems.append(Problem(message, path="ways", hint="such as 16"))
    if cache.policy != "lru":
        message = f"levels of cache replace by lru, not {cache.policy}"
        problems.append(Problem(message, path="policy", hint="lru"))
    if cache.index != "plain":
        message = f"levels of cache are indexed plainly, not {cache.index}"
        problems.append(Problem(message, path="index", hint="plain"))
    if not cache.fetch_on_write:
        message = "levels of cache fetch what is written"
        problems.append(Problem(message, path="fetch_on_write", hint="leave it out"))
    if problems:
        raise InputError(*problems)


def program_spans(program: Program, cache: Cache) -> list[tuple[Spans, Ints]]:
    """The spans of each frame, and the touch that each of them is part of.

    Examples
    --------
    >>> import memsim
    >>> program = memsim.build(memsim.load("resnet18"), buffer=512 * 1024)
    >>> ((spans, touch),) = program_spans(program, Cache(size=1 << 20, management="hardware"))
    >>> spans.nbytes == int(program.touch_bytes.sum()), bool((np.diff(touch) >= 0).all())
    (True, True)
    """
    if program.spans:
        return list(program.spans)
    plan = plan_memory(program, cache.allocator)
    placement = Placement.of(program, plan, cache.layout)
    frames = []
    begin = 0
    for end in program.frame_end.tolist():
        owner, start, length = placement.spans(program.touch_cell[begin : end + 1].astype(np.int64))
        touch = owner + begin
        frames.append((Spans(start, length, program.touch_write[touch], touch), touch))
        begin = end + 1
    return frames


def _by_touch(program: Program, moved: Moved, line: int) -> Transfers:
    """Transfers of whole touches."""
    cell = program.touch_cell.astype(np.int64)
    at = np.flatnonzero(moved.fetched)
    fetches = Flow(at, at, moved.fetched[at] * line, cell[at])
    again = (moved.fetched - moved.first)[at] * line
    spills, results = _written(program, moved, line)
    spills, results = (_summed(flow, cell) for flow in (spills, results))
    return Transfers(fetches, again, spills, results, *_occupancy(program, moved, line))


def _each_line(program: Program, moved: Moved, line: int) -> Transfers:
    """Each line by itself."""
    at, first, number = moved.misses.T
    fetches = Flow(at, at, np.full(len(at), line), number)
    spills, results = _written(program, moved, line)
    again = np.where(first > 0, 0, line)
    return Transfers(fetches, again, spills, results, *_occupancy(program, moved, line))


def _written(program: Program, moved: Moved, line: int) -> tuple[Flow, Flow]:
    """Write-backs, and network outputs: of each of their lines the last write of its frame."""
    of, at, lines, number = moved.spilled.T
    spills = Flow(of, at, lines * line, number)
    left_of, frame, left = moved.left.T
    end = program.frame_end[frame]
    handed_over = Flow(left_of, end, np.full(len(left), line), left)
    output = program.cell_is_output[program.touch_cell]
    mine = np.flatnonzero(output[of])
    if not len(mine):
        return spills, handed_over
    # A line of an output is written once in its frame as the result, whatever was before.
    key = _frame(program, of[mine]) + program.frames * number[mine]
    later = frame + program.frames * left
    last = np.zeros(len(mine), np.bool_)
    _, backwards = np.unique(key[::-1], return_index=True)
    last[len(mine) - 1 - backwards] = True
    final = np.zeros(len(of), np.bool_)
    final[mine[last & ~np.isin(key, later)]] = True
    results = spills.select(final)
    ends = program.frame_end[_frame(program, results.of)]
    results = Flow(results.of, np.minimum(results.at, ends), results.amount, results.unit)
    return spills.select(~final), results.join(handed_over)


def _frame(program: Program, touch: Ints) -> Ints:
    frames: Ints = program.task_frame[program.touch_task[touch]]
    return frames


def _summed(flow: Flow, cell: Ints) -> Flow:
    """Transfers that are charged to one touch and happen at one touch, as one; units are cells."""
    key = flow.at * len(cell) + flow.of
    keys, which = np.unique(key, return_inverse=True)
    amount = np.zeros(len(keys), np.int64)
    np.add.at(amount, which, flow.amount)
    at, of = np.divmod(keys, max(len(cell), 1))
    return Flow(of, at, amount, cell[of])


def _occupancy(program: Program, moved: Moved, line: int) -> tuple[Ints, int]:
    """Bytes held after each task, and the most."""
    held = np.zeros(program.tasks, np.int64)
    np.maximum.at(held, program.touch_task, moved.held)  # nothing is dropped: it only fills
    held = np.maximum.accumulate(held) * line
    return held, int(held.max(initial=0))
