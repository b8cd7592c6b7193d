"""The place of one item in a network under construction, as macros see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from memsim.formats.document import shown
from memsim.formats.items import Item, Unreadable
from memsim.formats.macros import Value
from memsim.formats.scope import Scope
from memsim.network.ops import Operator, Shape, ShapeError

if TYPE_CHECKING:
    from memsim.formats.builder import Builder

__all__ = ["FAULTY", "Site"]

FAULTY = Value("")
"""What a faulty layer writes: who reads it stays silent."""


class Site:
    """The place of one item, as macros see it (:class:`memsim.formats.macros.base.Site`)."""

    def __init__(
        self, builder: Builder, item: Item, model: BaseModel, name: str, scope: Scope
    ) -> None:
        self.builder, self.item, self.model = builder, item, model
        self.name, self.scope = name, scope

    def add(self, part: str, op: Operator, *inputs: Value) -> Value:
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

    def shape(self, value: Value) -> Shape:
        if value.shape is None:
            if value != FAULTY:
                named = f" {value.reference.word!r}" if value.reference else ""
                raise ShapeError(f"needs the shape of what it reads; describe{named} above it")
            raise Unreadable
        return value.shape

    def layers(
        self,
        key: str,
        source: Value,
        part: str = "",
        values: Mapping[str, Any] | None = None,
        alone: bool = False,
    ) -> Value:
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
