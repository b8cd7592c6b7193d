"""Verdicts: which budget which network keeps to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from memsim.budgets.budget import MACS, NOUNS, PARAMS, STATIC, Budget
from memsim.readable import format_bytes, format_bytes_exact, format_count, format_rate, format_time
from memsim.results.configuration import identity
from memsim.results.inverse.goal import ENERGY, FPS, TIME, TRAFFIC, Goal, Reached
from memsim.results.run import Result
from memsim.results.sheets.run import joules_text
from memsim.sheets.facts import Facts
from memsim.sheets.sheet import Grid, Sheet
from memsim.units import PICOSECONDS

__all__ = ["Checked", "Verdict", "checked_sheet"]

SCHEMA = "memsim.check/1"

UNITS = {
    TRAFFIC: "bytes", TIME: "s", FPS: "per_s", ENERGY: "J", MACS: "1", PARAMS: "1",
}  # fmt: skip


BASES = {TRAFFIC: "B", TIME: "ps", FPS: "fps", ENERGY: "J"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One network and one budget.

    Attributes
    ----------
    network, machine : str
    budget : Budget
    value : int or float
        Bytes, picoseconds, inferences per second, joules, or a number.
    kept : bool
    config : mapping
        Of the run: its cache, its bandwidth, the lowering, the batch and the data type.
    """

    network: str
    machine: str
    budget: Budget
    value: int | float
    kept: bool
    config: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of_network(cls, network: Any, machine: str, budget: Budget) -> Verdict:
        """Of what a network alone tells."""
        value = int(getattr(network, budget.of))
        return cls(network.name, machine, budget, value, value <= budget.limit)

    @classmethod
    def of_run(cls, result: Result, budget: Budget) -> Verdict:
        """Of what a run tells."""
        goal = Goal(budget.of, budget.limit)
        reached = Reached(
            result.dram_bytes,
            result.compulsory_bytes,
            result.totals["energy_j"] if budget.of == ENERGY else None,
            result.program.frames,
            result.time_ps,
        )
        value = goal.value([reached])
        machine = result.machine.name
        told = identity(result.config, result.network.name, ("machine",))
        return cls(result.network.name, machine, budget, value, goal.kept([reached]), told)

    @property
    def reason(self) -> str:
        """A sentence: what is, where, and what was to be.

        Examples
        --------
        >>> from memsim.budgets.budget import Budget
        >>> budget = Budget.of_text("80MB@1MiB")
        >>> Verdict("n", "edge", budget, 89_500_000, False).reason
        'n: DRAM traffic is 89.5 MB at 1,048,576 B of cache; the budget is at most 80.0 MB'
        """
        budget = self.budget
        at = ""
        if budget.cache is not None:
            at = f" at {format_bytes_exact(budget.cache)} of cache"
        if budget.bandwidth is not None:
            at += f" and {format_rate(budget.bandwidth)}"
        verb = "are" if budget.of in STATIC else "is"
        least = "at least" if budget.of == FPS else "at most"
        told, limit = _told(budget.of, self.value), _told(budget.of, budget.limit)
        if told == limit:  # so close that three digits hide it
            told, limit = _exactly(budget.of, self.value), _exactly(budget.of, budget.limit)
        said = f"{NOUNS[budget.of]} {verb} {told}{at}"
        return f"{self.network}: {said}; the budget is {least} {limit}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values; a time is in seconds."""
        budget = self.budget
        scale = PICOSECONDS if budget.of == TIME else 1
        return {
            "network": self.network,
            "machine": self.machine,
            "budget": budget.text,
            "of": budget.of,
            "unit": UNITS[budget.of],
            "cache_bytes": self.config.get("cache_bytes", budget.cache),
            "bandwidth_bytes_per_s": self.config.get("bandwidth_bytes_per_s"),
            "limit": _plain(budget.limit / scale),
            "value": self.value / scale if scale > 1 else self.value,
            "kept": self.kept,
            **{name: self.config.get(name) for name in ("lowering", "batch", "dtype")},
        }


def _plain(limit: Any) -> int | float:
    return int(limit) if limit.denominator == 1 else float(limit)


def _told(of: str, value: Any) -> str:
    if of == FPS:
        return f"{float(value):.4g} fps"
    if of == ENERGY:
        return joules_text(float(value))
    if of == TIME:
        return format_time(value)
    return format_bytes(value) if of == TRAFFIC else format_count(value)


def _exactly(of: str, value: Any) -> str:
    number = f"{int(value):,}" if value == int(value) else repr(float(value))
    return f"{number} {BASES.get(of, '')}".strip()


@dataclass(frozen=True)
class Checked(Facts):
    """Which budgets networks keep to.

    Attributes
    ----------
    verdicts : tuple of Verdict
        Network by network, in the order of the budgets.

    Examples
    --------
    >>> import memsim
    >>> checked = memsim.check(["resnet18", "hardnet68"], ["12Mparams", "200MB@1MiB"])
    >>> checked.kept, [verdict.kept for verdict in checked.verdicts]
    (False, [True, True, False, True])
    """

    laid_out_by: ClassVar[str] = "memsim.budgets.checked:checked_sheet"

    verdicts: tuple[Verdict, ...]

    @property
    def kept(self) -> bool:
        """Whether every network keeps to every budget."""
        return all(verdict.kept for verdict in self.verdicts)

    @property
    def missed(self) -> tuple[Verdict, ...]:
        """What does not."""
        return tuple(verdict for verdict in self.verdicts if not verdict.kept)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.check/1"``."""
        return {"schema": SCHEMA, "kept": self.kept, "budgets": self.rows()}

    def rows(self) -> list[dict[str, Any]]:
        """One row per verdict."""
        return [verdict.to_dict() for verdict in self.verdicts]


def checked_sheet(checked: Checked, layers: int | None = None) -> Sheet:
    """Lay out verdicts; ``layers`` does not apply."""
    count, missed = len(checked.verdicts), len(checked.missed)
    machines = {each.machine for each in checked.verdicts}
    apart = len(machines) > 1
    rows = tuple(
        (
            each.network,
            *((each.machine,) if apart else ()),
            each.budget.text,
            NOUNS[each.budget.of],
            _told(each.budget.of, each.value),
            "kept" if each.kept else "missed",
        )
        for each in checked.verdicts
    )
    verdict = f"{missed} of {count} missed" if missed else f"{count} of {count} kept"
    columns = ("network", *(("machine",) if apart else ()), "budget", "", "reached", "")
    where = "budgets" if apart else f"budgets on {checked.verdicts[0].machine}"
    return Sheet(f"{where}: {verdict}", grids=(Grid("", columns, rows),))
