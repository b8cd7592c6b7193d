"""Foreign graphs as plain data: operators, constants, and the tensors between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from memsim.errors import Problem
from memsim.yaml.document import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NO_PADS", "Constant", "Dims", "Line", "Pads", "Record", "Unsupported", "View"]

Dims = tuple[int, ...]
"""A tensor's shape as the foreign graph has it, batch first."""

Pads = tuple[int, ...]
"""Places in front of each spatial axis of a map, then those behind each; empty for none."""

LONGEST_IDENTITY = 2000
"""Characters of what tells a computed constant from others; longer ones are taken for different."""

NO_PADS: Pads = ()


class Line(NamedTuple):
    """A line of the user's code.

    Attributes
    ----------
    file : str
        As seen from the current directory, where it lies below it.
    number, column : int
        From 1; of its first character that is no space.
    text : str
    """

    file: str
    number: int
    column: int = 1
    text: str = ""

    @property
    def told(self) -> str:
        """How a message names it."""
        return f"line {self.number} of {self.file}"


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
    line : Line or None
        The line of the user's code that it comes from.
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
    line: Line | None = None

    def problem(self, message: str = "", hint: str = "", file: str = "") -> Problem:
        """A problem at the record: in a file, or else at the user's line if it is known."""
        if self.line is None:
            return Problem(message, self.place, hint, file)
        if file:
            return Problem(message, f"{self.place} ({self.line.told})", hint, file)
        return Problem(
            message, self.place, hint, self.line.file, self.line.number, self.line.column
        )

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
        Whether it is a parameter, whose bytes count, or computed from one.
    identity : str
        The same for what is the same in memory, whatever it is called.
    sources : tuple of (str, int)
        The parameters that it is or was computed from, with their numbers of elements.
    dtype : str
        The data type in which it is stored; empty where that is not known.
    """

    shape: Dims
    values: NDArray[np.generic] | None = None
    learned: bool = False
    identity: str = ""
    sources: tuple[tuple[str, int], ...] = ()
    dtype: str = ""

    @property
    def computed(self) -> bool:
        """Whether it is no stored tensor, but computed from some."""
        return self.sources != ((self.identity, math.prod(self.shape)),)

    def held(self, name: str) -> Constant:
        """The same as a stored tensor, by its name unless it has one."""
        name = self.identity or name
        sources = ((name, math.prod(self.shape)),) if self.learned else ()
        return replace(self, identity=name, sources=sources)

    @classmethod
    def of(
        cls,
        record: Record,
        operands: Iterable[Constant],
        shape: Dims,
        values: NDArray[np.generic] | None = None,
        output: int = 0,
    ) -> Constant:
        """What a record computes of constants."""
        operands = tuple(operands)
        sources = dict(source for each in operands for source in each.sources)
        attributes = sorted((name, str(value)) for name, value in record.attributes.items())
        read = [each.identity or f"{record.name}:{at}" for at, each in enumerate(operands)]
        identity = f"{record.target}({', '.join(read)}){attributes}:{output}"
        if len(identity) > LONGEST_IDENTITY:
            identity = f"{record.name}:{output}"
        learned = any(each.learned for each in operands)
        dtype = next((each.dtype for each in operands if each.learned), "")
        return cls(shape, values, learned, identity, tuple(sources.items()), dtype)


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

    @property
    def inner(self) -> Dims:
        """Its shape without the padding that is yet to be added."""
        axes = len(self.pads) // 2
        lead, sizes = self.shape[: len(self.shape) - axes], self.shape[len(self.shape) - axes :]
        pads = zip(sizes, self.pads[:axes], self.pads[axes:], strict=True)
        return (*lead, *(size - before - after for size, before, after in pads))
