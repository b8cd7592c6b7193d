"""Trying counterfactuals: each alone, then the ones that save something one after the other.

Every figure is that of a run. Long programs allow fewer of them: what is spent is counted in
block accesses, so that the same question is always given the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from memsim.errors import MemsimError
from memsim.explanations.counterfactuals import COUNTERFACTUALS, Counterfactual
from memsim.explanations.question import Change, Question
from memsim.progress import counted
from memsim.results.details.figures import Figures, Saving
from memsim.results.run import Result

__all__ = ["Item", "Tried", "try_all"]

EFFORT = 5_000_000
"""Block accesses that all runs together may make, more or less: some two seconds."""

KERNEL = 500
"""Accesses that take as long as making a kernel."""

LINES = 8
"""Accesses of a library's kernels to lines that take as long as one to a block."""

LEAST = 4
"""Runs that are made however long they take."""

ALONE = 0.6
"""The part of the effort after which nothing more is tried alone."""

_Asked = tuple[Question, Result, Figures]
"""A question with a change, and what it was told."""

MACHINE = ("cache", "bandwidth", "macs", "buffer")


@dataclass(frozen=True)
class Item:
    """A counterfactual and what it saves.

    Attributes
    ----------
    kind : str
        Its name in the registry.
    change : Change
    alone : Figures
        Of its run.
    saves : Saving
        Of its run against the question's.
    after : Figures or None
        Of the run with it and all items above it; None where it was not made.
    adds : Saving or None
        Of that run against the one before it, with the items above.
    kept : bool
        Whether it is among those above for the items that follow: it still saves time, or no
        time and some traffic.
    instead_of : int or None
        The number of the item above that decides the same thing: only one of them can be done.
    """

    kind: str
    change: Change
    alone: Figures
    saves: Saving
    after: Figures | None = None
    adds: Saving | None = None
    kept: bool = False
    instead_of: int | None = None

    @property
    def asks_for(self) -> str:
        """What would have to be changed: ``machine``, ``network`` or ``program``."""
        if self.change.how:
            return "network"
        return "machine" if set(self.change.options) & set(MACHINE) else "program"

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "kind": self.kind,
            "what": self.change.what,
            "asks_for": self.asks_for,
            "alone": self.alone.to_dict(),
            "saves": self.saves.to_dict(),
            "after": self.after.to_dict() if self.after else None,
            "adds": self.adds.to_dict() if self.adds else None,
            "kept": self.kept,
            "instead_of": self.instead_of,
        }


@dataclass(frozen=True)
class Tried:
    """What came out of all counterfactuals.

    Attributes
    ----------
    items : tuple of Item
        Those that save something, ranked by the time, then by the traffic that they save alone.
    idle : tuple of Item
        Those that save nothing.
    failed : mapping of str to str
        What could not be run, and why.
    runs, left : int
        How many runs were made; how many changes were not tried, since that would take too long.
    """

    items: tuple[Item, ...]
    idle: tuple[Item, ...]
    failed: Mapping[str, str]
    runs: int
    left: int


@dataclass
class _Effort:
    """What has been spent."""

    spent: int = 0
    runs: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def ask(self, question: Question, result: Result, change: Change) -> _Asked | None:
        """Run a question, whose result is known, with a change; None where that cannot be done."""
        changed = question.changed(change)
        try:
            other = changed.ask_like(result, change)
        except MemsimError as error:
            self.failed.setdefault(change.what, error.problems[0].message)
            return None
        self.runs += 1
        self.spend(result, other)
        return changed, other, Figures.of(other, changed.command())

    def spend(self, result: Result, other: Result) -> None:
        """Count what a run takes that differs from another by a change."""
        again = other.traffic is result.traffic
        self.spent += 0 if again else effort_of(other, other.program is result.program)


def effort_of(result: Result, built: bool = False) -> int:
    """What a run took, in block accesses; less where its program had been built already."""
    program = result.program
    lines = sum(spans.nbytes for spans, _ in program.spans) // result.machine.cache.line
    accesses = program.accesses + lines // LINES
    return accesses // 2 if built else accesses + KERNEL * len(program.kernels)


def try_all(question: Question, result: Result, effort: int = EFFORT) -> Tried:
    """Try all counterfactuals of a question.

    Parameters
    ----------
    question : Question
    result : Result
        What its run told.
    effort : int
        Block accesses after which no further run is begun.

    Examples
    --------
    >>> import memsim
    >>> question = Question("resnet18", options={"machine": "edge", "cache": "256KiB"})
    >>> tried = try_all(question, question.ask())
    >>> all(item.saves.some for item in tried.items)
    True
    """
    base = Figures.of(result, question.command())
    spent = _Effort()
    first: _Asked | None = None  # what the best change alone told is not asked again
    proposed = list(_by_turns(question, result, COUNTERFACTUALS))
    best: dict[str, Item] = {}
    left = 0
    for kind, change in counted(proposed, "changes tried"):
        if spent.spent > ALONE * effort and spent.runs >= LEAST:
            left += 1
            continue
        found = spent.ask(question, result, change)
        if found is not None:
            figures = found[2]
            item = Item(kind, change, figures, figures.less_than(base))
            if not best or _rank(item) < min(map(_rank, best.values())):
                first = found
            best[kind] = min(best.get(kind, item), item, key=_rank)
    ranked = sorted(best.values(), key=_rank)
    items = tuple(item for item in ranked if item.saves.some)
    idle = tuple(item for item in ranked if not item.saves.some)
    tried = _one_after_the_other(question, result, items, spent, effort, first)
    return Tried(tuple(tried), idle, spent.failed, spent.runs, left)


def _by_turns(
    question: Question, result: Result, kinds: Mapping[str, Counterfactual]
) -> Iterator[tuple[str, Change]]:
    """The first proposal of each kind, then the second of each, and so on."""
    proposals = [[(kind, change) for change in kinds[kind](question, result)] for kind in kinds]
    for turn in zip_longest(*proposals):
        yield from (each for each in turn if each is not None)


def _rank(item: Item) -> tuple[int, int]:
    return -item.saves.time_ps, -item.saves.dram_bytes


def _one_after_the_other(
    question: Question,
    result: Result,
    items: tuple[Item, ...],
    spent: _Effort,
    effort: int,
    first: _Asked | None,
) -> Iterator[Item]:
    """The items with what each adds to those above it; the first one has been asked alone."""
    above: list[tuple[int, Change]] = []
    before = Figures.of(result, question.command())
    for number, item in enumerate(counted(items, "changes added up"), 1):
        same = [n for n, change in above if change.decides & item.change.decides]
        if same:
            yield replace(item, instead_of=same[0])
            continue
        if spent.spent > effort:
            yield item
            continue
        if first is not None and first[2] is item.alone:
            found: _Asked | None = first
            spent.spend(result, first[1])
        else:
            found = spent.ask(question, result, item.change)
        if found is None:  # alone it can be done, so it is not among what cannot
            del spent.failed[item.change.what]
            yield item
            continue
        changed, other, figures = found
        adds = figures.less_than(before)
        kept = (adds.time_ps, adds.dram_bytes) > (0, 0)
        yield replace(item, after=figures, adds=adds, kept=kept)
        if kept:
            above.append((number, item.change))
            question, result, before = changed, other, figures
