"""What an operator is: attributes, shapes, costs, and which input a tile reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Index = TypeVar("Index", int, "NDArray[np.int64]")
"""A row or channel number, or an array of them."""

Shape = tuple[int, int, int]
"""Channels, height, width: a tensor without its batch axis."""

Shapes = tuple[Shape, ...]

LARGEST = 1 << 24
"""Largest size of a single attribute or axis; far beyond any network."""


class ShapeError(ValueError):
    """An operator cannot be applied to its inputs' shapes."""


def _collapse(value: int | tuple[int, ...]) -> int | tuple[int, ...]:
    """Write ``(3, 3)`` as ``3``, so that equal operators compare equal."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value


Size = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
Extent = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
Pair = Annotated[Size | tuple[Size, Size], AfterValidator(_collapse)]
Padding = Annotated[
    Extent | tuple[Extent, Extent] | tuple[Extent, Extent, Extent, Extent],
    AfterValidator(_collapse),
]


InPlace = Annotated[
    bool,
    Field(strict=True, description="written over the first input, as PyTorch's relu_ and += do"),
]
"""The attribute ``inplace`` of operators that can be ``in_place``."""


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """``3`` -> ``(3, 3)``; height first."""
    return (value, value) if isinstance(value, int) else value


def sides(value: int | tuple[int, ...]) -> tuple[int, int, int, int]:
    """Padding as ``(top, left, bottom, right)``.

    Examples
    --------
    >>> sides(1), sides((0, 3)), sides((0, 0, 1, 1))
    ((1, 1, 1, 1), (0, 3, 0, 3), (0, 0, 1, 1))
    """
    if isinstance(value, int):
        return (value, value, value, value)
    if len(value) == 2:
        return (value[0], value[1], value[0], value[1])
    top, left, bottom, right = value
    return (top, left, bottom, right)


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


class Operator(BaseModel):
    """Base of all operators: frozen attributes and the questions they answer.

    Shapes are ``(channels, height, width)``; counts are per image. Classes
    are registered in :mod:`memsim.network.ops`. Whoever needs to know what an operator does asks
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
    is_input : bool
        It computes nothing: its output comes from outside.
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
        Its output is its inputs, stacked along the channels (concat).
    view : bool
        Inference does not execute it: its output is its input.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kind: ClassVar[str] = ""
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    is_input: ClassVar[bool] = False
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
    def biased(self) -> bool:
        """Whether it multiplies by weights and then adds a learned constant per channel."""
        return False

    @property
    def window(self) -> Window | None:
        """The window it goes over, None for an operator without one of fixed size."""
        return None

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
        return self.stored(inputs, output) * output[0]

    def stored(self, inputs: Shapes, output: Shape) -> int:
        """Stored parameters per OUTPUT channel: weights, bias, running statistics."""
        return 0

    def folded(self, inputs: Shapes, output: Shape) -> int:
        """Stored parameters per output channel once what is constant is computed beforehand."""
        return self.stored(inputs, output)

    def work(self, inputs: Shapes, output: Shape) -> int:
        """Elementwise operations per output element."""
        return 0

    def input_rows(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        """The input rows ``[a, b)`` from the first to the last that output rows need.

        Those of ``[start, stop)``; some between may be touched by none of them, see
        :meth:`touched_rows`. May reach beyond the input (padding), where nothing is read.
        A broadcast input is read whole.
        """
        if source[1] != output[1]:
            return 0 * start, 0 * stop + source[1]
        return start, stop

    def touched_rows(self, row: Index, source: Shape, output: Shape) -> tuple[Index, Index, int]:
        """The input rows ``a, a + step, ...`` below ``b`` that one output row touches.

        ``(a, b, step)``; the step is the same for all rows. By default all of
        :meth:`input_rows`. May reach beyond the input as well.
        """
        first, last = self.input_rows(row, row + 1, source, output)
        return first, last, 1

    def input_channels(
        self, start: Index, stop: Index, source: Shape, output: Shape
    ) -> tuple[Index, Index]:
        """The input channels ``[a, b)`` that output channels ``[start, stop)`` need."""
        if source[0] != output[0]:
            return 0 * start, 0 * stop + source[0]
        return start, stop


Constructor = Callable[..., Operator]
