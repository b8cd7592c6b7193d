"""The difference of two runs: which kernel became which, and what each costs more or less."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from memsim.differences.alignment import aligned
from memsim.differences.side import Amounts, Item, Side
from memsim.sheets.facts import Facts

__all__ = ["CHANGES", "Difference", "Row"]

SCHEMA = "memsim.difference/1"

SAME, RENAMED, CHANGED, ONLY_A, ONLY_B = "same", "renamed", "changed", "only in A", "only in B"
CHANGES = (SAME, RENAMED, CHANGED, ONLY_A, ONLY_B)
"""What may have become of layers."""


@dataclass(frozen=True, slots=True)
class Row:
    """Kernels of A, and what they became in B: those that run the same layers.

    Attributes
    ----------
    a, b : tuple of Item
        Mostly one each; several where one side runs in one kernel what the other runs in several;
        none where the other side has no such layer.
    """

    a: tuple[Item, ...]
    b: tuple[Item, ...]

    @property
    def amounts(self) -> tuple[Amounts, Amounts]:
        """What A's kernels cost, and B's."""
        first, second = (Amounts.sum(item.amounts for item in side) for side in (self.a, self.b))
        return first, second

    @property
    def difference(self) -> Amounts:
        """B less A."""
        first, second = self.amounts
        return second - first

    @property
    def change(self) -> str:
        """One of :data:`CHANGES`."""
        if not self.a or not self.b:
            return ONLY_A if self.a else ONLY_B
        first, second = self.amounts
        looks = [[(item.ops, item.output_shape) for item in side] for side in (self.a, self.b)]
        if first != second or looks[0] != looks[1]:
            return CHANGED
        return SAME if self.names[0] == self.names[1] else RENAMED

    @property
    def names(self) -> tuple[str, str]:
        """The first kernel's on either side; empty where there is none."""
        first, second = (side[0].name if side else "" for side in (self.a, self.b))
        return first, second

    def to_dict(self) -> dict[str, Any]:
        """Plain values; the difference is B less A."""
        return {
            "change": self.change,
            "a": [item.to_dict() for item in self.a],
            "b": [item.to_dict() for item in self.b],
            "difference": self.difference.to_dict(),
        }

    def row(self) -> dict[str, Any]:
        """Flat values: every quantity of A, of B, and B less A."""
        first, second = self.amounts
        told = [each.to_dict() for each in (first, second, self.difference)]
        return {
            "change": self.change,
            "a": " ".join(item.name for item in self.a),
            "b": " ".join(item.name for item in self.b),
            "op": (self.a or self.b)[0].ops[0],
            **{
                f"{name}{end}": each[name]
                for name in told[0]
                for each, end in zip(told, ("_a", "_b", "_difference"), strict=True)
            },
        }


@dataclass(frozen=True)
class Difference(Facts):
    """What changed from run A to run B, layer by layer.

    Attributes
    ----------
    a, b : Side

    Examples
    --------
    >>> import memsim
    >>> difference = memsim.diff("resnet18#fused,cache=1MiB", "resnet18#fused,cache=2MiB")
    >>> sum(row.difference.dram_bytes for row in difference.layers) == difference.total.dram_bytes
    True
    >>> difference.total.dram_bytes < 0, difference.is_empty
    (True, False)
    >>> difference.config
    {'cache_bytes': (1048576, 2097152)}
    """

    laid_out_by: ClassVar[str] = "memsim.differences.sheet:difference_sheet"

    a: Side
    b: Side

    @cached_property
    def layers(self) -> tuple[Row, ...]:
        """Every kernel of both sides, once: matched, or on one side alone; in A's order."""
        return tuple(_rows(self.a, self.b))

    @property
    def total(self) -> Amounts:
        """B less A, which the rows sum up to."""
        return self.b.total - self.a.total

    @property
    def is_empty(self) -> bool:
        """Whether every layer is as it was."""
        return all(row.change == SAME for row in self.layers)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each change."""
        found = [row.change for row in self.layers]
        return {change: found.count(change) for change in CHANGES}

    @cached_property
    def config(self) -> dict[str, tuple[Any, Any]]:
        """What of machine and program is another: A's and B's value, None where one has none."""
        names = dict.fromkeys([*self.a.config, *self.b.config])
        pairs = {name: (self.a.config.get(name), self.b.config.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, ``"schema": "memsim.difference/1"``; units in the keys."""
        return {
            "schema": SCHEMA,
            "a": _head(self.a),
            "b": _head(self.b),
            "config": {name: list(pair) for name, pair in self.config.items()},
            "difference": self.total.to_dict(),
            "changes": self.counts,
            "layers": [row.to_dict() for row in self.layers],
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per entry of :attr:`layers`, with the runs that it is of."""
        return [{**row.row(), **self._identities} for row in self.layers]

    @property
    def _identities(self) -> dict[str, Any]:
        return {
            f"{name}{end}": value
            for side, end in ((self.a, "_a"), (self.b, "_b"))
            for name, value in side.identity.items()
        }

    @property
    def columns(self) -> list[str]:
        return [*Row((_NOTHING,), ()).row(), *self._identities]


_NOTHING = Item("", ("",), ("",), (), Amounts())


def _head(side: Side) -> dict[str, Any]:
    return {
        "label": side.label,
        "network": side.network,
        "config": dict(side.config),
        "totals": side.total.to_dict(),
    }


def _rows(a: Side, b: Side) -> Iterable[Row]:
    """Kernels that run layers of each other, together."""
    owners: list[Sequence[int]] = []
    elements = []
    for side in (a, b):
        per_item = [item.elements(side.images) for item in side.items]
        owners.append([at for at, each in enumerate(per_item) for _ in each])
        elements.append([element for each in per_item for element in each])
    whose = list(range(len(a.items) + len(b.items)))  # of each kernel, one that it goes with

    def root(item: int) -> int:
        while whose[item] != item:
            whose[item] = whose[whose[item]]
            item = whose[item]
        return item

    for one, other in aligned(*elements):
        first, second = root(owners[0][one]), root(len(a.items) + owners[1][other])
        whose[max(first, second)] = min(first, second)
    members: dict[int, tuple[list[Item], list[Item]]] = {}
    order: dict[int, tuple[int, int]] = {}
    last = -1
    for at, item in enumerate((*a.items, *b.items)):
        key, is_b = root(at), at >= len(a.items)
        if key >= len(a.items):  # B alone has it: it stands after what comes before it there
            order.setdefault(key, (last, at))
        elif is_b:
            last = key
        members.setdefault(key, ([], []))[is_b].append(item)
    for key in sorted(members, key=lambda key: order.get(key, (key, 0))):
        yield Row(*map(tuple, members[key]))
