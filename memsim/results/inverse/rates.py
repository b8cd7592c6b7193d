"""The bandwidth and the compute rate with which workloads keep to a goal of the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memsim.engines.clock.enough import Enough
from memsim.engines.compiled import INFINITE
from memsim.results.inverse.capacities import Group
from memsim.results.inverse.goal import STALL, Goal

BANDWIDTH, MACS = "bandwidth", "macs"


@dataclass(frozen=True)
class Rates:
    """A search over bandwidths or compute rates, with the machine's own cache.

    Time never rises with either, and stalls never with the bandwidth, so every larger rate does
    it, too, and the largest of what the groups need is what all of them need. Stalls never fall
    with the compute rate: there the LARGEST rate is asked for, up to which memory keeps up.

    Attributes
    ----------
    goal : Goal
        One of the time.
    groups : sequence of Group
        Each is to keep to the goal.
    over : str
        ``bandwidth`` or ``macs``.
    """

    goal: Goal
    groups: Sequence[Group]
    over: str

    @property
    def is_largest(self) -> bool:
        """Whether the largest rate is asked for, since larger ones stall more."""
        return self.over == MACS and self.goal.name == STALL

    def find(self) -> int | None:
        """The rate that is asked for, per second; None where none does it."""
        found = [self._of(group) for group in self.groups]
        if self.is_largest:
            return min(found) or None
        return None if max(found) >= INFINITE else max(found)

    def _of(self, group: Group) -> int:
        told = [each.traffic(each.machine.cache_bytes) for each in group]
        ends = [each.ends(order) for each, (order, _) in zip(group, told, strict=True)]
        enough = Enough(ends, [traffic for _, traffic in told])
        if self.is_largest:
            return enough.most_macs(self.goal.limit)
        stall = self.goal.limit if self.goal.name == STALL else None
        longest = None if stall is not None else self.goal.longest_ps(group[0].frames, 0)
        if self.over == BANDWIDTH:
            return enough.bandwidth(longest, stall)
        assert longest is not None
        return enough.mac_rate(longest)
