"""What a macro is, and what it finds where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from memsim.network.ops import Operator, Shape

__all__ = ["Layers", "Macro", "Site", "FeatureMap"]

Layers = list[Any]
"""A list of layers inside a macro; checked where it is expanded."""


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """A tensor while a network is built.

    Attributes
    ----------
    name : str
        The layer that writes it; empty where that layer is faulty, which is reported there.
    shape : tuple of int or None
        Channels, height, width; None where it is not known (yet).
    reference : object
        What stands for a layer that is described further down.
    """

    name: str
    shape: Shape | None = None
    reference: Any = None


class Site(Protocol):
    """The place in a network where a layer of a file is expanded."""

    def add(self, part: str, op: Operator, *inputs: FeatureMap) -> FeatureMap:
        """Append an operator, named after the layer and the part; ``""`` is the layer itself."""

    def make(self, op: type[Operator], **attributes: Any) -> Operator:
        """An operator with computed attributes; raises ShapeError where they are out of range."""

    def shape(self, value: FeatureMap) -> Shape:
        """A value's shape; stops this layer's expansion where it is not known."""

    def layers(
        self,
        key: str,
        source: FeatureMap,
        part: str = "",
        values: Mapping[str, Any] | None = None,
        alone: bool = False,
    ) -> FeatureMap:
        """Expand the list of layers under ``key`` and return what leaves it.

        Its layers are named ``<this layer>.<part>.<name>``. ``values`` are what ``$names``
        stand for; with ``alone`` a single layer without a name takes the part as its name.
        """

    def foresee(self, rounds: int) -> None:
        """What was expanded of this layer will be expanded so many times more.

        Where the network would be too large, this says so before it is made.
        """


class Macro(BaseModel):
    """A keyword that stands for several layers; a pydantic model of its attributes.

    Attributes
    ----------
    kind : str
        The keyword.
    label : str
        What layers are named after where the file does not name them.
    shorthand : str or None
        The attribute a scalar stands for.
    beside : tuple of str
        Attributes written next to the keyword; the keyword's value is then the shorthand.
    nested : tuple of str
        Attributes that hold layers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kind: ClassVar[str] = ""
    label: ClassVar[str] = ""
    shorthand: ClassVar[str | None] = None
    beside: ClassVar[tuple[str, ...]] = ()
    nested: ClassVar[tuple[str, ...]] = ()

    def build(self, site: Site, source: FeatureMap) -> FeatureMap:
        """Append the layers that the macro stands for and return what leaves them."""
        raise TypeError(f"{type(self).__name__} must define build()")
