"""The smallest cache, bandwidth or compute rate that keeps networks to a goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from memsim.results.configuration import in_common
from memsim.results.inverse.capacities import Capacities, Group
from memsim.results.inverse.goal import ENERGY, Goal, Reached
from memsim.results.inverse.rates import BANDWIDTH, Rates
from memsim.results.inverse.workload import Workload
from memsim.sheets.facts import Facts
from memsim.units import LIMIT, PICOSECONDS

SCHEMA = "memsim.size/2"

CACHE = "cache"
MACS = "macs"
OVER = {CACHE: "cache_bytes", BANDWIDTH: "bandwidth_bytes_per_s", MACS: "macs_per_s"}
"""What may be asked for, and the key of its number."""

GOALS = {
    "traffic": "dram_bytes",
    "within": "above_compulsory",
    "time": "time_s",
    "fps": "frames_per_s",
    "stall": "stall",
    ENERGY: "energy_j",
}
"""The key of what each goal is about; shares are fractions of 1."""


@dataclass(frozen=True)
class Answer:
    """The smallest number that keeps some networks to the goal.

    Attributes
    ----------
    networks : tuple of str
    together : str
        How they are asked for: ``alone``, ``each`` of them, or all ``in turn``, one after the
        other.
    number : int or None
        Bytes, bytes per second or MAC/s; None where none does it.
    reached : float
        What is reached of what the goal is about, with the number, or at best where there is none:
        of each of them, by the one that is farthest off.
    short : float or None
        What is reached with one less; None where there is no less.
    none_below : int
        No smaller number than this does it. It may be below :attr:`number` where times may rise
        with the cache.
    is_first : bool
        Whether in between no size at which traffic changes does it; if not, some were looked at.
    """

    networks: tuple[str, ...]
    together: str
    number: int | None
    reached: float
    short: float | None
    none_below: int
    is_first: bool = True


@dataclass(frozen=True)
class Smallest(Facts):
    """What is asked for of a machine, for each network alone and for all of them.

    Attributes
    ----------
    machine : str
        All of it but what is asked for stays.
    over : str
        ``cache``, ``bandwidth`` or ``macs``.
    goal : Goal
    answers : tuple of Answer
        Each network alone; of several also each of them, and all in turn.
    is_largest : bool
        Whether the largest rate is told: stalls never fall with the compute rate.
    sampled : tuple of int
        The sizes that were looked at, where not all were: the answer is the smallest of them.
    config : mapping
        The machine, its cache and bandwidth but for what is asked for, the lowering, the batch
        and the data type; several where networks differ.

    Examples
    --------
    >>> import memsim
    >>> found = memsim.size(["resnet18", "mobilenetv2"], fps=30, over="bandwidth",
    ...                     machine="textbook")
    >>> [answer.number for answer in found.answers]  # each alone, both, one after the other
    [1548553848, 661357146, 1548553848, 2254319796]
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.smallest:smallest_sheet"

    machine: str
    over: str
    goal: Goal
    answers: tuple[Answer, ...]
    is_largest: bool = False
    sampled: tuple[int, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def number(self) -> int | None:
        """What is asked for, for each of the networks: bytes, bytes per second or MAC/s."""
        alone = [answer for answer in self.answers if answer.together != "in turn"]
        return alone[-1].number

    @property
    def is_certain(self) -> bool:
        """Whether every larger number (every smaller one, of the largest) does it, too."""
        return not (self.over == CACHE and self.goal.is_timed) and not self.sampled

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.size/2"``."""
        return {
            "schema": SCHEMA,
            "machine": self.machine,
            "over": self.over,
            "goal": self.goal.name,
            "limit": self.goal.plain_limit,
            "asked": "largest" if self.is_largest else "smallest",
            "every_larger_does_it": self.is_certain and not self.is_largest,
            "sampled_cache_bytes": list(self.sampled) or None,
            "config": dict(self.config),
            "answers": self._entries(),
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row per answer, with what it holds for."""
        goal = {"goal": self.goal.name, "limit": self.goal.plain_limit}
        return [{**entry, **goal, **self.config} for entry in self._entries()]

    def _entries(self) -> list[dict[str, Any]]:
        name, number = GOALS[self.goal.name], OVER[self.over]

        def told(value: float | None) -> float | None:
            return value / PICOSECONDS if value is not None and self.goal.name == "time" else value

        return [
            {
                "networks": " ".join(answer.networks),
                "together": answer.together,
                number: answer.number,
                name: told(answer.reached),
                f"{name}_{'with_more' if self.is_largest else 'with_less'}": told(answer.short),
                "none_below": answer.none_below,
                "smallest_of_all": answer.is_first,
            }
            for answer in self.answers
        ]


def smallest(workloads: Sequence[Workload], goal: Goal, over: str) -> Smallest:
    """Find what is asked for, for each workload alone and, of several, for all.

    Parameters
    ----------
    workloads : sequence of Workload
        On one machine.
    goal : Goal
    over : str
        ``cache``, ``bandwidth`` or ``macs``.
    """
    questions: list[tuple[str, tuple[Group, ...]]] = [("alone", ((each,),)) for each in workloads]
    if len(workloads) > 1:
        questions.append(("each", tuple((each,) for each in workloads)))
        questions.append(("in turn", (tuple(workloads),)))
    find = _over_caches if over == CACHE else _over_rates
    answers = tuple(find(goal, groups, together, over) for together, groups in questions)
    sampled = workloads[0].curve.sampled if over == CACHE else ()
    largest = over != CACHE and Rates(goal, (), over).is_largest
    told = in_common((each.config for each in workloads), (OVER[over],))
    return Smallest(workloads[0].machine.name, over, goal, answers, largest, sampled, told)


def _over_caches(goal: Goal, groups: tuple[Group, ...], together: str, over: str) -> Answer:
    search = Capacities(goal, groups)
    found = search.find()

    def value(capacity: int) -> float:
        return _farthest(goal, [search.reached(group, capacity) for group in groups])

    less = None
    if found.capacity and not search.is_sampled:
        less = value(found.capacity - 1)
    return Answer(
        _names(groups),
        together,
        found.capacity,
        value(found.best),
        less,
        found.none_below,
        found.is_first,
    )


def _over_rates(goal: Goal, groups: tuple[Group, ...], together: str, over: str) -> Answer:
    search = Rates(goal, groups, over)
    number = search.find()
    best = 1 if search.is_largest else LIMIT

    def value(rate: int) -> float:
        which = "bandwidth" if over == BANDWIDTH else "mac_rate"
        told = {which: Fraction(rate)}
        return _farthest(goal, [[each.at_rates(**told) for each in group] for group in groups])

    other = None
    if number is not None:
        other = number + 1 if search.is_largest else number - 1
    short = value(other) if other is not None and 1 <= other <= LIMIT else None
    lowest = 0 if number is None or search.is_largest else number
    return Answer(_names(groups), together, number, value(number or best), short, lowest)


def _names(groups: tuple[Group, ...]) -> tuple[str, ...]:
    return tuple(each.name for group in groups for each in group)


def _farthest(goal: Goal, runs: Sequence[Sequence[Reached]]) -> float:
    """What is reached by the group that is farthest off the goal."""
    values = [goal.value(each) for each in runs]
    return min(values) if goal.name == "fps" else max(values)
