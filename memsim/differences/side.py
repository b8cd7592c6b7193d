"""One side of a difference: a run, as far as its result tells it, live or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from memsim.differences.alignment import Element
from memsim.results.configuration import identity
from memsim.units import PICOSECONDS

__all__ = ["Amounts", "Item", "Side"]


@dataclass(frozen=True, slots=True)
class Amounts:
    """What is compared: of a kernel, of several, or of a whole run.

    Attributes
    ----------
    dram_read_bytes, dram_write_bytes, dram_weight_bytes : int
        The weights are part of what is read.
    time_ps, macs, params : int

    Examples
    --------
    >>> less = Amounts(7, 2, 4, 100, 9, 1) - Amounts(9, 5, 4, 90, 9, 1)
    >>> less.dram_bytes, less.dram_feature_map_bytes, less.time_ps
    (-5, -5, 10)
    """

    dram_read_bytes: int = 0
    dram_write_bytes: int = 0
    dram_weight_bytes: int = 0
    time_ps: int = 0
    macs: int = 0
    params: int = 0

    @property
    def dram_bytes(self) -> int:
        """Bytes read and written."""
        return self.dram_read_bytes + self.dram_write_bytes

    @property
    def dram_feature_map_bytes(self) -> int:
        """Bytes of feature maps read and written."""
        return self.dram_bytes - self.dram_weight_bytes

    @property
    def map_read_bytes(self) -> int:
        """Bytes of feature maps read."""
        return self.dram_read_bytes - self.dram_weight_bytes

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(
            *(getattr(self, each.name) - getattr(other, each.name) for each in fields(self))
        )

    @classmethod
    def sum(cls, parts: Iterable[Amounts]) -> Amounts:
        """All of several."""
        listed = list(parts)
        return cls(*(sum(getattr(part, each.name) for part in listed) for each in fields(cls)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values with units in the keys."""
        return {
            "dram_bytes": self.dram_bytes,
            "dram_read_bytes": self.dram_read_bytes,
            "dram_write_bytes": self.dram_write_bytes,
            "dram_weight_bytes": self.dram_weight_bytes,
            "dram_feature_map_bytes": self.dram_feature_map_bytes,
            "time_s": self.time_ps / PICOSECONDS,
            "macs": self.macs,
            "params": self.params,
        }


@dataclass(frozen=True, slots=True)
class Item:
    """A kernel and what it costs, or a layer that no kernel runs, which costs nothing.

    Attributes
    ----------
    name : str
        Of its first layer.
    layers, ops : tuple of str
        All that it executes, and their operators.
    output_shape : tuple of int
    amounts : Amounts
    """

    name: str
    layers: tuple[str, ...]
    ops: tuple[str, ...]
    output_shape: tuple[int, ...]
    amounts: Amounts

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Item:
        """Of a row of ``layers`` or ``without_kernel`` of a result."""
        if "ops" not in row:
            names, ops, amounts = (row["name"],), (row["op"],), Amounts(params=row["params"])
        else:
            names, ops = tuple(row["layers"]), tuple(row["ops"])
            amounts = Amounts(
                row["dram_read_bytes"],
                row["dram_write_bytes"],
                row["dram_weight_bytes"],
                round(row["time_s"] * PICOSECONDS),
                row["macs"],
                row["params"],
            )
        return cls(row["name"], names, ops, tuple(row["output_shape"]), amounts)

    def elements(self, images: int) -> list[Element]:
        """Its layers as they are matched, of a run of so many images in all."""
        macs = [self.amounts.macs // images] + [0] * len(self.layers)
        shape = self.output_shape[1:]
        return [
            Element(name, op, shape, macs[at])
            for at, (name, op) in enumerate(
                zip((self.name, *self.layers[1:]), self.ops, strict=True)
            )
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "layers": list(self.layers),
            "ops": list(self.ops),
            "output_shape": list(self.output_shape),
            **self.amounts.to_dict(),
        }


@dataclass(frozen=True)
class Side:
    """A run that is compared.

    Attributes
    ----------
    label : str
        As it was asked for.
    network : str
        The name that its file gives it.
    config : mapping
        Machine and program, as its result tells them.
    items : tuple of Item
        In the order in which kernels run; a layer without one is after the layer that it follows.
    """

    label: str
    network: str
    config: Mapping[str, Any]
    items: tuple[Item, ...]

    @classmethod
    def of(cls, facts: Mapping[str, Any], label: str) -> Side:
        """Of what :meth:`memsim.Result.to_dict` tells."""
        after: dict[str, list[Item]] = {}
        for row in facts["without_kernel"]:
            after.setdefault(row["after"], []).append(Item.of(row))
        items: list[Item] = []
        for first in [*after.pop("", []), *map(Item.of, facts["layers"])]:
            stack = [first]
            while stack:
                items.append(stack.pop())
                for name in reversed(items[-1].layers):
                    stack += reversed(after.pop(name, []))
        items += (item for rest in after.values() for item in rest)
        return cls(label, facts["network"]["name"], facts["config"], tuple(items))

    @property
    def identity(self) -> dict[str, Any]:
        """What tells runs apart whose rows lie in one table."""
        return identity(self.config, self.network)

    @property
    def images(self) -> int:
        """Of all inferences together."""
        return int(self.config["batch"]) * int(self.config.get("frames", 1))

    @property
    def total(self) -> Amounts:
        """Of the whole run."""
        return Amounts.sum(item.amounts for item in self.items)
