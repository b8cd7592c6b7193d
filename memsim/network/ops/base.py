"""What an operator is: attributes, shapes, costs, and which input a tile reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from memsim.network.ops.axes import (
    LARGEST,
    Box,
    Extent,
    Index,
    Padding,
    Pair,
    Shape,
    ShapeError,
    Shapes,
    Size,
    Strides,
    around,
    broadcast,
    each,
    first,
    map_of,
    pair,
    sides,
    turned,
)

__all__ = [
    "Arrangement",
    "Box",
    "Constructor",
    "Extent",
    "Index",
    "LARGEST",
    "Operator",
    "Padding",
    "Pair",
    "Shape",
    "ShapeError",
    "Shapes",
    "Size",
    "Strides",
    "Table",
    "Window",
    "around",
    "broadcast",
    "each",
    "first",
    "map_of",
    "pair",
    "sides",
    "turned",
]

Arrangement = tuple[tuple[Any, ...], ...]
"""How elements are moved without computing, in steps: ``("reshaped", sizes)``, ``("permuted",
order)``, ``("selected", axis, start, stop, step)`` or ``("expanded", sizes)``."""

InPlace = Annotated[
    bool,
    Field(strict=True, description="written over the first input, as PyTorch's relu_ and += do"),
]
"""The attribute ``inplace`` of operators that can be ``in_place``."""


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a convolution or a pool; pairs are (vertical, horizontal).

    Attributes
    ----------
    kernel, stride : (int, int)
    padding : (int, int, int, int)
        Rows and columns around the input, (top, left, bottom, right). A transposed
        convolution's window goes over its output, and these are cut off there.
    dilation : (int, int)
        Distance between taps.
    groups : int
        Groups of channels that a convolution computes apart from one another.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A stored tensor that is not so many numbers for each output channel.

    An output tile reads its own part along every axis: a position embedding's rows with the rows of
    tokens, a scalar always.

    Attributes
    ----------
    sizes : tuple of int
        As many as the output has axes; 1 along an axis along which all places read the same.
    number : int
        Parameters at each place.
    passes : bool
        No tile holds its part of it: that passes by as it is needed.
    """

    sizes: tuple[int, ...]
    number: int = 1
    passes: bool = False

    @classmethod
    def of(cls, sizes: tuple[int, ...], output: Shape, number: int = 1) -> Table:
        """A tensor that is aligned with the output at the last axes.

        Examples
        --------
        >>> Table.of((6, 1), Shape((8, 6, 6))).sizes
        (1, 6, 1)
        """
        return cls((1,) * (len(output) - len(sizes)) + tuple(sizes), number)

    @property
    def elements(self) -> int:
        """Parameters in all."""
        return math.prod(self.sizes) * self.number

    def along(self, output: Shape) -> bool:
        """Whether it is so many numbers for each output channel after all."""
        return Shape(self.sizes, output.channel).box == (output.box[0], 1, 1)


class Nature:
    """What operators are, which most are not: attributes of their classes.

    Attributes
    ----------
    is_input : bool
        It computes nothing: its output comes from outside.
    is_parameter : bool
        It computes nothing: its output is stored with the network, once for all images.
    elementwise : bool
        One output element depends on the input elements at the same place alone, so a
        compiler may fuse the operator into its producer.
    in_place : bool
        Frameworks can let it write its output over its first input; see
        :mod:`memsim.program.memory.in_place`. Whether one does is :attr:`overwrites`.
    combines : bool
        Elementwise, of several tensors (add, mul).
    folds : bool
        A scale and a shift per channel with constant parameters (batch norm): a compiler
        multiplies them into the weights of the operator before it, if that one ``multiplies``.
    multiplies : bool
        Multiplies its input by weights (convolutions, linear); the only ones with MACs.
    convolves : bool
        A convolution, plain or transposed: what it reads and writes counts in CIO.
    transposed : bool
        A convolution whose window goes over its output.
    pools : bool
        Goes over windows without MACs: a machine's ``pooling_per_s`` applies to its work.
    joins : bool
        Its output is its inputs, one after the other along an axis (concat).
    copied : bool
        Moves elements without computing (see :meth:`arrangement`), and frameworks make a copy of
        them where a compiler lets readers find them where they lie (permute).
    view : bool
        Inference does not execute it: its output is its input, perhaps seen in another shape.
    any_format : bool
        Takes maps whose channels lie side by side as well, and then gives its output so.
    loads : bool
        Elementwise, and what fused kernels do as they load its input: nobody stores its output.
    looks_up : bool
        What it stores are rows, of which a tile reads those that its elements name.
    """

    is_input: ClassVar[bool] = False
    is_parameter: ClassVar[bool] = False
    elementwise: ClassVar[bool] = False
    in_place: ClassVar[bool] = False
    combines: ClassVar[bool] = False
    folds: ClassVar[bool] = False
    multiplies: ClassVar[bool] = False
    convolves: ClassVar[bool] = False
    transposed: ClassVar[bool] = False
    pools: ClassVar[bool] = False
    joins: ClassVar[bool] = False
    view: ClassVar[bool] = False
    loads: ClassVar[bool] = False
    copied: ClassVar[bool] = False
    any_format: ClassVar[bool] = False
    looks_up: ClassVar[bool] = False


# Pydantic looks for fields among the annotations of all bases, anew for every operator.
Nature.__annotations__.clear()


class Operator(Nature, BaseModel):
    """Base of all operators: frozen attributes and the questions they answer.

    Shapes are those of one image, such as ``(channels, height, width)``; counts are per image.
    Which rows and channels an output tile reads is asked and answered in boxes. Classes are
    registered in :mod:`memsim.network.ops`. Whoever needs to know what an operator does asks
    it; nobody outside this room asks for its class.

    Attributes
    ----------
    kind : str
        The operator's name in architecture files.
    arity : tuple of (int, int or None)
        Fewest and most inputs (None: any number).
    op_class : str
        Whose compute rate applies: ``conv``, ``depthwise``, ``linear``, or ``elementwise``
        for an operator without MACs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kind: ClassVar[str] = ""
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    shorthand: ClassVar[str | None] = None
    """The attribute a scalar stands for in a file: ``linear: 1000`` is ``{out: 1000}``."""

    @property
    def activates(self) -> bool:
        """Whether it applies one function to every element of one tensor."""
        return self.elementwise and not (self.combines or self.folds)

    @property
    def overwrites(self) -> bool:
        """Whether the network says that it writes its output over its first input."""
        return self.in_place and bool(getattr(self, "inplace", False))

    @property
    def writes(self) -> str:
        """The data type of its output: empty where it takes over that of its first input."""
        return ""

    @property
    def biased(self) -> bool:
        """Whether it multiplies by weights and then adds a learned constant per channel."""
        return False

    @property
    def window(self) -> Window | None:
        """The window it goes over, None for an operator without one of fixed size."""
        return None

    def arrangement(self, inputs: Shapes) -> Arrangement | None:
        """How it moves the elements of its input without computing; None if it does more.

        Readers may then find them where they lie.
        """
        return None

    @property
    def stacks(self) -> bool:
        """Whether it joins its inputs along the channels, so that these may stay where they are."""
        return self.joins

    @property
    def streams(self) -> bool:
        """Whether the rows that it reads of an operand pass by one after the other, so that the
        buffers need not hold them together."""
        return False

    def kept(self, inputs: Shapes, output: Shape) -> int:
        """Elements that stay on chip for each output row of a channel, besides the row."""
        return 0

    def reader(self, number: int, inputs: Shapes) -> Operator:
        """Who is asked which rows and channels of an operand are read: by default this one."""
        return self

    def takes(self, number: int, strides: Strides) -> bool:
        """Whether PyTorch passes an operand at these strides to the kernel, without a copy."""
        return self.elementwise or (self.any_format and number == 0 and strides.channels_last)

    def lays(self, sizes: tuple[int, ...], operands: tuple[Strides, ...]) -> Strides:
        """The strides that PyTorch gives its output."""
        if self.any_format and all(each.channels_last for each in operands):
            return operands[0].dense(sizes)
        same = [each for each in operands if self.elementwise and each.sizes == sizes]
        return same[0].dense(sizes) if same else Strides.of(sizes)

    def selects(self, inputs: Shapes) -> tuple[int, int] | None:
        """The channels ``[start, stop)`` of its input that its output consists of.

        None for an operator that does more than pick channels.
        """
        return None

    def output_shape(self, inputs: Shapes) -> Shape:
        """The output's shape; by default the first input's.

        Raises
        ------
        ShapeError
            If the operator does not accept these shapes.
        """
        return inputs[0]

    def op_class(self, inputs: Shapes) -> str:
        """The class whose compute rate applies."""
        return "elementwise"

    def macs(self, inputs: Shapes, output: Shape) -> int:
        """Multiply-accumulates per image; 0 for operators that are not counted in MACs."""
        return 0

    def learnable(self, inputs: Shapes, output: Shape) -> int:
        """Learnable parameters, as frameworks count them."""
        per_channel = self.stored(inputs, output) * Shape.of(output).box[0]
        return per_channel + sum(table.elements for table in self.tables(inputs, output))

    def stored(self, inputs: Shapes, output: Shape) -> int:
        """Stored parameters per OUTPUT channel: weights, bias, running statistics."""
        return 0

    def tables(self, inputs: Shapes, output: Shape) -> tuple[Table, ...]:
        """What is stored besides: tensors that are not so many numbers per output channel."""
        return ()

    def folded(self, inputs: Shapes, output: Shape) -> int:
        """Stored parameters per output channel once what is constant is computed beforehand."""
        return self.stored(inputs, output)

    def work(self, inputs: Shapes, output: Shape) -> int:
        """Elementwise operations per output element."""
        return 0

    def oriented(self, number: int, source: Shape, output: Shape) -> Shape:
        """An operand's shape as this operator goes through it: with the channels it works on.

        Its box is what :meth:`input_rows`, :meth:`touched_rows` and :meth:`input_channels` get as
        ``source``. By default the axis that the output's channels are, counted from the end, with
        leading axes of size 1 where there are fewer: as broadcasting aligns them.
        """
        if len(source) > len(output):
            return source
        if len(source) == len(output):
            return source.by(output.channel)
        return Shape((*(1,) * (len(output) - len(source)), *source), output.channel)

    def input_rows(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        """The input rows ``[a, b)`` from the first to the last that output rows need.

        Those of ``[start, stop)``; some between may be touched by none of them, see
        :meth:`touched_rows`. May reach beyond the input (padding), where nothing is read.
        A broadcast input is read whole. It depends on the rows of ``source`` and ``output`` alone,
        since rows are found once for all kernels whose rows are alike.
        """
        if source[1] != output[1]:
            return 0 * start, 0 * stop + source[1]
        return start, stop

    def touched_rows(self, row: Index, source: Box, output: Box) -> tuple[Index, Index, int]:
        """The input rows ``a, a + step, ...`` below ``b`` that one output row touches.

        ``(a, b, step)``; the step is the same for all rows. By default all of
        :meth:`input_rows`. May reach beyond the input, and depends on rows alone, as well.
        """
        first, last = self.input_rows(row, row + 1, source, output)
        return first, last, 1

    @property
    def reads_rows_by(self) -> Hashable:
        """What decides which rows are read, besides heights: by default all that it is."""
        return self

    def across(self) -> Operator | None:
        """The operator that reads rows as this one reads columns; None where tiles are not cut
        across its columns.
        """
        return self if self.elementwise else None

    def input_channels(
        self, start: Index, stop: Index, source: Box, output: Box
    ) -> tuple[Index, Index]:
        """The input channels ``[a, b)`` that output channels ``[start, stop)`` need."""
        if source[0] != output[0]:
            return 0 * start, 0 * stop + source[0]
        return start, stop


Constructor = Callable[..., Operator]
