"""Foreign graphs as plain data: operators, constants, and the tensors between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memsim.yaml.document import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NO_PADS", "Constant", "Dims", "Pads", "Record", "Unsupported", "View"]

Dims = tuple[int, ...]
"""A tensor's shape as the foreign graph has it, batch first."""

Pads = tuple[int, int, int, int]
"""Rows and columns around a map: top, left, bottom, right."""

NO_PADS: Pads = (0, 0, 0, 0)


class Unsupported(Exception):
    """A rule's operator has a form that no memsim operator has."""


@dataclass(frozen=True, slots=True)
class Record:
    """One operator of a foreign graph, in plain data.

    Attributes
    ----------
    name : str
        Its name in the foreign graph, for messages.
    target : str
        The operator's own name, such as ``conv2d`` or ``Conv``.
    inputs : tuple of str
        The values it reads by position; ``""`` where an optional one is left out.
    outputs : tuple of str
        The values it writes.
    attributes : mapping
        What is not a tensor.
    shapes : tuple
        The shapes of the outputs, where the graph can be trusted to know them.
    scope : str
        The name its layer should get; the operator's kind is added to a name that is taken.
    in_place : bool
        Whether it writes its output over its first input.
    """

    name: str
    target: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    shapes: tuple[Dims | None, ...] = ()
    scope: str = ""
    in_place: bool = False

    @property
    def place(self) -> str:
        """How a problem names the record."""
        return f"{self.target} {shown(self.name)}" if self.name else self.target


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor that does not depend on the network's inputs: a parameter, a shape, a number.

    Attributes
    ----------
    shape : tuple of int
    values : array or None
        Its elements, where they are few and known.
    learned : bool
        Whether it is a parameter, whose bytes count.
    """

    shape: Dims
    values: NDArray[np.generic] | None = None
    learned: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A tensor of the foreign graph: a layer's output, perhaps seen in another shape.

    Attributes
    ----------
    layer : str
    shape : tuple of int
        As the foreign graph sees it.
    pads : tuple of int
        Padding that is yet to be added; a convolution or a pool that reads the value takes it.
    fill : float
        What the padding consists of.
    """

    layer: str
    shape: Dims
    pads: Pads = NO_PADS
    fill: float = 0.0
