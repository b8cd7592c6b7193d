"""Breakdowns of a run: by groups of layers, by tensors, and as the tree of modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from memsim.network.stages import BY
from memsim.results.configuration import identity
from memsim.results.details.groups import Group, tree_of
from memsim.results.details.tensors import TensorResult
from memsim.results.run import Result
from memsim.sheets.facts import Facts

__all__ = ["Grouped", "Tensors", "Watched"]


@dataclass(frozen=True)
class _Breakdown(Facts):
    """A run, and a table of its own in place of the layers'."""

    schema: ClassVar[str]
    key: ClassVar[str]

    result: Result

    def _entries(self) -> tuple[Group, ...] | tuple[TensorResult, ...]:
        raise NotImplementedError

    def rows(self) -> list[dict[str, Any]]:
        """One flat row per entry, with the run that it is of."""
        said = identity(self.result.config, self.result.network.name)
        return [{**entry.row(), **said} for entry in self._entries()]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values with the schema's name; units in the keys."""
        whole = self.result.to_dict()
        kept = {name: whole[name] for name in ("network", "config", "totals")}
        return {"schema": self.schema, **kept, self.key: [e.to_dict() for e in self._entries()]}


@dataclass(frozen=True)
class Grouped(_Breakdown):
    """A run by groups of layers.

    Attributes
    ----------
    result : Result
    by : int or str
        See :meth:`memsim.Result.by_group`.

    Examples
    --------
    >>> import memsim
    >>> [row["name"] for row in Grouped(memsim.run("resnet18"), "stage").rows()][2:4]
    ['stage.1', 'stage.2']
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.breakdown:grouped_sheet"
    schema: ClassVar[str] = "memsim.groups/1"
    key: ClassVar[str] = "groups"

    by: int | str = BY[0]

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups, in the order of their first layers."""
        return self.result.by_group(self.by)

    def _entries(self) -> tuple[Group, ...]:
        return self.groups


@dataclass(frozen=True)
class Tensors(_Breakdown):
    """A run by tensors.

    Examples
    --------
    >>> import memsim
    >>> Tensors(memsim.run("resnet18")).rows()[0]["kind"]
    'input'
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.breakdown:tensors_sheet"
    schema: ClassVar[str] = "memsim.tensors/1"
    key: ClassVar[str] = "tensors"

    def _entries(self) -> tuple[TensorResult, ...]:
        return self.result.tensors


@dataclass(frozen=True)
class Watched(_Breakdown):
    """A run as the tree of a network's modules; printing it, or looking at it, gives the table.

    Attributes
    ----------
    result : Result
        All else that was found.
    depth : int or None
        How many levels of modules are told; None: all.
    kinds : mapping
        The class of each module, by its path.

    Examples
    --------
    >>> import memsim
    >>> watched = memsim.watch("resnet18", depth=1)
    >>> watched.groups[0].dram_bytes == watched.result.dram_bytes
    True
    """

    laid_out_by: ClassVar[str] = "memsim.results.sheets.breakdown:watched_sheet"
    schema: ClassVar[str] = "memsim.modules/1"
    key: ClassVar[str] = "modules"

    depth: int | None = 3
    kinds: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Every module down to the depth, the whole network first, each before what is in it."""
        return tree_of(self.result.network, self.result.layers, self.depth)

    def _entries(self) -> tuple[Group, ...]:
        return self.groups

    def kind(self, group: Group) -> str:
        """The class of a module; of a layer that is none, its operator."""
        if group.name in self.kinds:
            return self.kinds[group.name]
        network = self.result.network
        return network[group.name].op.kind if group.name in network else ""

    def __repr__(self) -> str:
        return str(self)
