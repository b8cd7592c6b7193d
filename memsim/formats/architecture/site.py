"""The place of one item in a network under construction, as macros see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from memsim.errors import Problem
from memsim.formats.architecture.items import Item, Unreadable
from memsim.formats.architecture.macros import FeatureMap
from memsim.formats.architecture.scope import Scope
from memsim.network.ops import Operator, Shape, ShapeError
from memsim.yaml.document import shown

__all__ = ["FAULTY", "ItemSite"]

FAULTY = FeatureMap("")
"""What a faulty layer writes: who reads it stays silent."""


class Growing(Protocol):
    """A network under construction, as far as a place in it needs it; the builder is one."""

    ends: dict[str, FeatureMap]
    """What each named group of layers ends in."""

    @property
    def counts(self) -> tuple[int, int, int]:
        """Items, layers and links until now."""

    def foresee(self, before: tuple[int, int, int], rounds: int) -> None:
        """Raise if the network grows too large where what was added since is added again."""

    def add(
        self, name: str, op: Operator, inputs: Sequence[FeatureMap], place: Problem
    ) -> FeatureMap:
        """Add a layer."""

    def claim(self, name: str, place: Problem) -> bool:
        """Reserve a name; False where it is taken, which is told at ``place``."""

    def layers(
        self,
        raws: Sequence[Any],
        path: tuple[str | int, ...],
        scope: Scope,
        source: FeatureMap | None,
        alone: bool,
    ) -> FeatureMap:
        """Add layers, each reading the one before it."""


class ItemSite:
    """The place of one item, as macros see it; :class:`.macros.base.Site` is what they are told."""

    def __init__(
        self, builder: Growing, item: Item, model: BaseModel, name: str, scope: Scope
    ) -> None:
        self.builder, self.item, self.model = builder, item, model
        self.name, self.scope = name, scope
        self.before = builder.counts

    def foresee(self, rounds: int) -> None:
        self.builder.foresee(self.before, rounds)

    def add(self, part: str, op: Operator, *inputs: FeatureMap) -> FeatureMap:
        name = f"{self.name}.{part}" if part else self.name
        return self.builder.add(name, op, inputs, self.item.place)

    def make(self, op: type[Operator], **attributes: Any) -> Operator:
        try:
            return op(**attributes)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ShapeError(
                f"{op.kind} with {first['loc'][0]} {shown(first['input'])} is out of range"
            ) from None

    def shape(self, value: FeatureMap) -> Shape:
        if value.shape is None:
            if value != FAULTY:
                named = f" {value.reference.word!r}" if value.reference else ""
                raise ShapeError(f"needs the shape of what it reads; describe{named} above it")
            raise Unreadable
        return value.shape

    def layers(
        self,
        key: str,
        source: FeatureMap,
        part: str = "",
        values: Mapping[str, Any] | None = None,
        alone: bool = False,
    ) -> FeatureMap:
        prefix = f"{self.name}.{part}" if part else self.name
        known = {**self.scope.values, **values} if values else self.scope.values
        inner = Scope(prefix, known, self.scope)
        raws = getattr(self.model, key)
        if alone and len(raws) > 1:
            self.builder.claim(prefix, self.item.place)
        value = self.builder.layers(raws, self.item.origin(key), inner, source, alone)
        if part:
            self.builder.ends.setdefault(prefix, value)
        return value
