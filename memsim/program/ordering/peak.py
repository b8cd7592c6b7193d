"""Order ``min_peak``: the least peak of live feature-map bytes.

The set of steps that have run tells which blocks are live, whatever their order was. So the least
peak with which a set can be reached is found from the sets that are one step smaller: dynamic
programming over the downsets of the graph, as SERENITY does it (Ahn et al., MLSys 2020,
arXiv:2003.02369), here with the least peak first, and in blocks that live and die task by task
instead of whole tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from memsim.program.ordering.search import State, beam, best_first
from memsim.program.ordering.steps import Found, Steps, bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MOST_SETS = 250_000
"""Sets of steps that the exact search makes, some 0.7 s; if that is too few, beams make as many,
and half as many again."""

WIDEST, STEEPEST = 256, 8
"""Sets that a beam goes on with at most, and how much wider the next one is at most."""


def least_peak_order(steps: Steps, most: int | None = None) -> Found:
    """Find the order of steps with the least peak of live feature-map bytes.

    Exact where ``most`` sets of steps, :data:`MOST_SETS` if left out, suffice to tell. Else beams
    are tried, each wider than the one before. Never worse than the file's order.

    Examples
    --------
    Two branches end in a pooling each. By the file both are wide at once, 256 B of the input, 1024
    B and 4096 B; if the narrow one ends before the other begins, 4 B of it are left.

    >>> import memsim
    >>> network = memsim.loads('''{name: n, input: [1, 16, 16], layers: [
    ...   {name: narrow, conv: {out: 4}}, {name: wide, conv: {out: 16}, from: input},
    ...   {name: few, maxpool: 16, from: narrow}, {name: many, maxpool: 16, from: wide},
    ...   {concat: [few, many]}]}''').with_options(dtype="int8")
    >>> steps = Steps(memsim.build(network, buffer=65536, tile="whole"))
    >>> found = least_peak_order(steps)
    >>> [steps.names[each] for each in found.orders[0]], found.search
    (['narrow', 'few', 'wide', 'many', 'concat1'], 'exact')
    >>> Lives(steps).peak(range(5)), Lives(steps).peak(found.orders[0])
    (5376, 4356)
    """
    if steps.forced:
        return Found((), "exact")
    lives = Lives(steps)
    file = lives.peak(range(len(steps)))
    start = State(0, steps.ready(0), lives.least, 0, 0)
    most = MOST_SETS if most is None else most
    found, finished = best_first(start, lives.expand, file, lives.spent(most))
    if finished:
        return Found(() if found is None else (found.order,), "exact")
    left, width = most + most // 2, 1
    while width <= WIDEST:
        before = lives.made
        better = beam(start, lives.expand, file, width, lives.spent(left))
        if better is not None:
            found, file = better, better.cost
        used = lives.made - before
        left -= used
        if left < 2 * used:
            break
        width *= min(left // max(used, 1), STEEPEST)
    return Found(() if found is None else (found.order,), "beam")


class Lives:
    """When the blocks of feature maps live, for any order of steps.

    Cells that the same steps touch are born and die with the same steps: they are one *class*.
    Within a step its tasks run in their order, so a class that is born or dies there does so in
    a profile over tasks that is the same in every order of steps.

    Parameters
    ----------
    steps : Steps

    Attributes
    ----------
    least : int
        Bytes that are live at some time in every order.
    made : int
        States that have been made so far.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps, self.made = steps, 0
        program = steps.program
        tasks = np.argsort(program.task_kernel, kind="stable")
        first_task = np.searchsorted(program.task_kernel[tasks], np.arange(len(program.kernels)))
        step_of = np.zeros(len(program.kernels), np.int64)
        for number, kernels in enumerate(steps.kernels):
            step_of[kernels] = number
        ends = np.append(first_task, program.tasks)
        self._tasks = [
            np.concatenate([tasks[ends[each] : ends[each + 1]] for each in kernels])
            for kernels in steps.kernels
        ]
        kept = np.flatnonzero(program.cell_is_kept[program.touch_cell])
        cell, task = program.touch_cell[kept].astype(np.int64), program.touch_task[kept]
        step = step_of[program.task_kernel[task]]
        place = np.zeros(program.tasks, np.int64)  # of each task in its step
        for chosen in self._tasks:
            place[chosen] = np.arange(len(chosen))
        self._classes = _classes(cell, step, len(program.cell_bytes))
        writer = np.full(len(program.cell_bytes), -1, np.int64)
        written = program.touch_write[kept]
        writer[cell[written]] = step[written]
        self._profiles: list[list[tuple[int, bool, bool, Ints, Ints]]] = [[] for _ in self._tasks]
        self._fill(cell, step, place[task], writer, program.cell_bytes)
        self._relevant = [0] * len(steps)
        for number, profiles in enumerate(self._profiles):
            for others, *_ in profiles:
                self._relevant[number] |= others
        self.least = self._least()
        self._known: dict[tuple[int, int], tuple[int, int]] = {}

    def _fill(self, cell: Ints, step: Ints, place: Ints, writer: Ints, nbytes: Ints) -> None:
        """The profiles of each step: one for each class that it touches."""
        count = len(nbytes)
        key = step * count + cell
        order = np.argsort(key, kind="stable")
        key = key[order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        first = np.minimum.reduceat(place[order], starts) if len(starts) else starts
        last = np.maximum.reduceat(place[order], starts) if len(starts) else starts
        pair_step, pair_cell = key[starts] // count, key[starts] % count
        rows: dict[tuple[int, int, bool, bool], tuple[Ints, Ints]] = {}
        for number, which, begin, end in zip(
            pair_step.tolist(), pair_cell.tolist(), first.tolist(), last.tolist(), strict=True
        ):
            own, given = int(writer[which]) == number, int(writer[which]) < 0
            alike = number, self._classes[which], own, given
            row = rows.get(alike)
            if row is None:
                size = len(self._tasks[number]) + 1
                row = rows[alike] = np.zeros(size, np.int64), np.zeros(size, np.int64)
                others = self._classes[which] & ~(1 << number)
                self._profiles[number].append((others, own, given, *row))
            row[0][begin] += nbytes[which]
            row[1][end + 1] += nbytes[which]
        for profiles in self._profiles:
            for at, (others, own, given, born, dead) in enumerate(profiles):
                # The last entry of ``dead`` is what is dead when the step is over.
                profiles[at] = (others, own, given, np.cumsum(born)[:-1], np.cumsum(dead)[:-1])

    def _least(self) -> int:
        """What is live at some time however steps are ordered.

        While a step runs, that is what its predecessors left for its successors, and of what it
        touches by itself all but what may be born or dead before or after.
        """
        steps = self.steps
        earlier, later = [0] * len(steps), [0] * len(steps)
        for number in range(len(steps)):  # by the file predecessors are listed first
            for each in bits(steps.before[number]):
                earlier[number] |= earlier[each] | 1 << each
        for number in reversed(range(len(steps))):
            for each in steps.after[number]:
                later[number] |= later[each] | 1 << each
        classes: dict[tuple[int, int], int] = {}
        for number, profiles in enumerate(self._profiles):
            for others, own, given, born, _ in profiles:
                touching = others | 1 << number
                if own or given:
                    classes[touching, 1 << number if own else touching] = int(born[-1])
        least = 0
        for number, profiles in enumerate(self._profiles):
            before, after = earlier[number], later[number]
            live = np.zeros(len(self._tasks[number]), np.int64)
            for others, own, given, born, dead in profiles:
                surely = not own and (not given or others & before)
                live += int(born[-1]) if surely else born
                live -= 0 if others & after else dead
            passing = sum(
                size
                for (touching, birth), size in classes.items()
                if not touching >> number & 1 and birth & before and touching & after
            )
            least = max(least, passing + int(live.max(initial=0)))
        return least

    def change(self, done: int, step: int) -> tuple[int, int]:
        """The most bytes that are live in a step beyond those before it, and those after it."""
        key = step, done & self._relevant[step]
        known = self._known.get(key)
        if known is None:
            live = np.zeros(len(self._tasks[step]), np.int64)
            left = 0
            for others, own, given, born, dead in self._profiles[step]:
                size = int(born[-1])
                if own or (given and not others & done):
                    live += born
                    left += size
                if not others & ~done:
                    live -= dead
                    left -= size
            known = self._known[key] = int(live.max(initial=0)), left
        return known

    def spent(self, most: int) -> Callable[[], bool]:
        """What tells, from now on, whether so many states have been made."""
        limit = self.made + most
        return lambda: self.made > limit

    def peak(self, order: Iterator[int] | range | tuple[int, ...]) -> int:
        """The most bytes of feature maps that are live in an order."""
        done = live = peak = 0
        for step in order:
            most, left = self.change(done, step)
            peak = max(peak, live + most)
            live += left
            done |= 1 << step
        return peak

    def expand(self, state: State) -> Iterator[State]:
        """The states one step longer; one alone where a step is surely best now.

        A step that leaves no more live than before, and whose own peak is no higher than what is
        reached anyway, does no harm whatever follows: all later steps find as few bytes or fewer.
        """
        found = []
        for step in bits(state.ready):
            most, left = self.change(state.done, step)
            cost = max(state.cost, state.tie + most)
            done = state.done | 1 << step
            longer = State(
                done,
                self.steps.next_ready(state.ready, done, step),
                cost,
                state.tie + left,  # bytes that are live
                done,
                state.depth + 1,
                state,
                step,
            )
            self.made += 1
            if left <= 0 and cost == state.cost:
                yield longer
                return
            found.append(longer)
        yield from found


def _classes(cell: Ints, step: Ints, count: int) -> dict[int, int]:
    """For each cell the steps that touch it, as bits."""
    pairs = np.unique(cell * (int(step.max(initial=0)) + 1) + step)
    width = int(step.max(initial=0)) + 1
    found: dict[int, int] = {}
    for pair in pairs.tolist():
        which, number = divmod(pair, width)
        found[which] = found.get(which, 0) | 1 << number
    return found
